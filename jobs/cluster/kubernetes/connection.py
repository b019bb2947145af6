"""Where a pool's API server is and with what credentials it is asked: the one place that reads kubeconfigs.

Each half of the port has a client of its own. Credentials change under a running process: the official client reads a
service account's token anew every minute and calls an exec plugin again when its token ends; for everything else (a
kubeconfig replaced, a token file renewed) the holder of a client makes a new one when `stamp()` has changed or the API
server answers 401."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.proxies import proxy_for

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient as AsyncApiClient
    from kubernetes.client import ApiClient

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
MOST_CONNECTIONS = 32
# What the official loaders raise for files that they do not understand. Their texts may quote the file, and so a token.
BROKEN = (OSError, ValueError, TypeError, LookupError, AttributeError)


@dataclass(frozen=True, slots=True)
class Access:
    """Everything needed to reach one pool's cluster. Every method raises Unavailable that names what is wrong."""

    options: PoolOptions
    kubeconfig_dir: Path
    connect_seconds: float
    read_seconds: float

    @property
    def kubeconfig(self) -> Path | None:
        """None: the service account of the platform's own pod."""
        return self.kubeconfig_dir / self.options.kubeconfig if self.options.kubeconfig else None

    def namespace(self) -> str:
        """The pool's own, else the context's or the pod's, else "default"."""
        if self.options.namespace:
            return self.options.namespace
        if self.kubeconfig:
            return str(self.context().get("namespace") or "default")
        return self.own_namespace()

    def require(self) -> None:
        """That there are credentials at all, and that they are of the form that is promised; asks no cluster."""
        if self.kubeconfig:
            self.context()
        elif not (SERVICE_ACCOUNT / "token").exists():
            raise self.outside("there is no token")

    def stamp(self) -> float:
        """Differs when the kubeconfig was replaced; constant for a service account."""
        if self.kubeconfig is None:
            return 0.0
        try:
            return self.kubeconfig.stat().st_mtime
        except OSError as exc:
            raise self.unreadable(exc) from exc

    def sync_client(self) -> "ApiClient":
        """A new client with its own pool of connections, safe to share among threads. Nothing is retried by itself."""
        from kubernetes import client, config

        made = client.Configuration()
        if self.kubeconfig is None:
            self.load_service_account(config, made)
        else:
            self.context()
            try:
                config.load_kube_config(
                    str(self.kubeconfig), self.options.context or None, client_configuration=made, persist_config=False
                )
            except (config.ConfigException, *BROKEN) as exc:
                raise self.unusable(exc) from None
            self.require_credentials(made.api_key, made.cert_file)
        made.retries = False
        made.connection_pool_maxsize = MOST_CONNECTIONS
        return client.ApiClient(made)

    async def async_client(self) -> "AsyncApiClient":
        """A new client for the running loop; close() it. Each of its requests needs a timeout of its own."""
        from kubernetes.aio import client, config

        made = client.Configuration()
        if self.kubeconfig is None:
            self.load_service_account(config, made)
        else:
            self.context()
            try:
                await config.load_kube_config(
                    str(self.kubeconfig), self.options.context or None, client_configuration=made, persist_config=False
                )
            except (config.ConfigException, *BROKEN) as exc:
                raise self.unusable(exc) from None
            self.require_credentials(made.api_key, made.cert_file)
        made.proxy = proxy_for(made.host, made.proxy)
        return client.ApiClient(made)

    def load_service_account(self, config: Any, made: Any) -> None:
        try:
            config.load_incluster_config(client_configuration=made)
        except (config.ConfigException, OSError) as exc:
            raise self.outside(str(exc).rstrip(".")) from exc

    def outside(self, why: str) -> Unavailable:
        return Unavailable(
            f"the pool names no kubeconfig, and the platform does not run in a pod with a service account: {why}. "
            f"Put a kubeconfig into {self.kubeconfig_dir} and name it in its options."
        )

    def own_namespace(self) -> str:
        """Kubernetes writes the pod's namespace beside its token."""
        try:
            return (SERVICE_ACCOUNT / "namespace").read_text().strip() or "default"
        except OSError:
            return "default"

    def context(self) -> Mapping[str, Any]:
        """The chosen context of the kubeconfig, once it is known to name a cluster and a user that are there."""
        document = self.document()
        name = self.options.context or str(document.get("current-context") or "")
        if not name:
            raise Unavailable(f"{self.kubeconfig} has no current-context: name a context in the pool's options")
        context = entry(document, "contexts", "context", name)
        if context is None:
            known = ", ".join(names(document, "contexts")) or "none"
            raise Unavailable(f"{self.kubeconfig} has no context {name} (it has: {known})")
        for plural, key in (("clusters", "cluster"), ("users", "user")):
            wanted = str(context.get(key) or "")
            if (wanted or key == "cluster") and entry(document, plural, key, wanted) is None:
                raise Unavailable(f"context {name} of {self.kubeconfig} names a {key} {wanted!r} that is not there")
        return context

    def document(self) -> Mapping[str, Any]:
        assert self.kubeconfig is not None
        try:
            document = yaml.safe_load(self.kubeconfig.read_bytes())
        except OSError as exc:
            raise self.unreadable(exc) from exc
        except (yaml.YAMLError, ValueError) as exc:
            mark = getattr(exc, "problem_mark", None)
            line = f" (line {mark.line + 1})" if mark else ""
            raise Unavailable(f"{self.kubeconfig} is not YAML{line}") from None
        if not isinstance(document, dict):
            raise Unavailable(f"{self.kubeconfig} is not a kubeconfig")
        return document

    def require_credentials(self, api_key: Mapping[str, str], cert_file: str | None) -> None:
        """The official loaders log that an exec plugin failed, and go on without credentials."""
        document, context = self.document(), self.context()
        user = entry(document, "users", "user", str(context.get("user") or "")) or {}
        if "exec" in user and not api_key.get("BearerToken") and not cert_file:
            command = user["exec"].get("command") if isinstance(user["exec"], dict) else None
            raise Unavailable(f"the credential plugin {command} of {self.kubeconfig} gave no credentials")

    def unreadable(self, exc: OSError) -> Unavailable:
        if isinstance(exc, FileNotFoundError):
            return Unavailable(f"there is no kubeconfig {self.options.kubeconfig} in {self.kubeconfig_dir}")
        return Unavailable(f"{self.kubeconfig} cannot be read: {exc.strerror}")

    def unusable(self, exc: BaseException) -> Unavailable:
        """Without the loader's own words, except where they name a file that is missing."""
        text = str(exc)
        why = text if text.startswith("File does not exist: ") else type(exc).__name__
        return Unavailable(f"the credentials in {self.kubeconfig} cannot be used: {why}")


def entry(document: Mapping[str, Any], plural: str, key: str, name: str) -> Mapping[str, Any] | None:
    """`{name: …, <key>: {…}}` of one of a kubeconfig's lists; None when it is missing or malformed."""
    for one in document.get(plural) or ():
        if isinstance(one, dict) and one.get("name") == name and isinstance(one.get(key), dict):
            found: Mapping[str, Any] = one[key]
            return found
    return None


def names(document: Mapping[str, Any], plural: str) -> list[str]:
    return [str(one.get("name")) for one in document.get(plural) or () if isinstance(one, dict)]
