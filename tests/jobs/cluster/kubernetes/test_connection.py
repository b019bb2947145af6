"""How a pool's credentials are found, and what is said when they cannot be."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config import incluster_config

from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes import connection
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.options import PoolOptions


def kubeconfig(user: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "training"}},
            {"name": "two", "context": {"cluster": "c", "user": "u"}},
            {"name": "lost", "context": {"cluster": "elsewhere", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "s3cret"} if user is None else user}],
        **changes,
    }


class Home:
    """A directory of kubeconfigs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def access(self, document: Any = None, **options: Any) -> Access:
        if document is not None:
            text = document if isinstance(document, str) else yaml.safe_dump(document)
            (self.directory / "prod.yaml").write_text(text)
        return Access(PoolOptions(**{"kubeconfig": "prod.yaml", **options}), self.directory, 1.0, 2.0)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def why(access: Access) -> str:
    with pytest.raises(Unavailable) as caught:
        access.sync_client()
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None or "s3cret" not in str(caught.value.__cause__)
    return str(caught.value)


def test_the_chosen_context_is_used(home: Home) -> None:
    made = home.access(kubeconfig()).sync_client().configuration
    assert made.host == "http://127.0.0.1:1"
    assert made.auth_settings()["BearerToken"]["value"] == "Bearer s3cret"
    assert made.retries is False


async def test_the_asynchronous_client_has_the_same_credentials(home: Home) -> None:
    client = await home.access(kubeconfig()).async_client()
    assert client.configuration.host == "http://127.0.0.1:1"
    assert client.configuration.api_key == {"BearerToken": "Bearer s3cret"}
    await client.close()


@pytest.mark.parametrize(
    ("options", "namespace"),
    [({}, "training"), ({"context": "two"}, "default"), ({"context": "two", "namespace": "mine"}, "mine")],
)
def test_the_namespace_is_the_pools_or_the_contexts_or_the_default(
    home: Home, options: dict[str, str], namespace: str
) -> None:
    assert home.access(kubeconfig(), **options).namespace() == namespace


def test_a_missing_file_is_named_with_its_directory(home: Home) -> None:
    access = home.access()
    expected = f"there is no kubeconfig prod.yaml in {home.directory}"
    assert why(access) == expected
    for ask in (access.stamp, access.namespace):
        with pytest.raises(Unavailable, match="there is no kubeconfig"):
            ask()


def test_a_missing_context_is_named_with_those_that_are_there(home: Home) -> None:
    assert why(home.access(kubeconfig(), context="three")).endswith("has no context three (it has: one, two, lost)")


def test_a_file_without_a_current_context_asks_for_one(home: Home) -> None:
    assert "name a context in the pool's options" in why(home.access(kubeconfig(**{"current-context": ""})))


def test_a_context_of_a_missing_cluster_says_so(home: Home) -> None:
    assert "names a cluster 'elsewhere' that is not there" in why(home.access(kubeconfig(), context="lost"))


def test_a_context_of_a_missing_user_says_so(home: Home) -> None:
    assert "names a user 'u' that is not there" in why(home.access(kubeconfig(users=[])))


@pytest.mark.parametrize("text", ["[s3cret", "s3cret", "- s3cret", "users: [{name: s3cret"])
def test_a_file_that_is_no_kubeconfig_is_not_quoted(home: Home, text: str) -> None:
    assert "prod.yaml" in why(home.access(text))


def test_a_missing_certificate_is_named(home: Home) -> None:
    document = kubeconfig(
        clusters=[{"name": "c", "cluster": {"server": "https://h", "certificate-authority": "ca.pem"}}]
    )
    assert "ca.pem" in why(home.access(document))


def test_broken_credentials_are_not_quoted(home: Home) -> None:
    document = kubeconfig(
        {"token": "s3cret"},
        clusters=[{"name": "c", "cluster": {"server": "https://h", "certificate-authority-data": "!s3cret"}}],
    )
    assert "cannot be used" in why(home.access(document))


def test_a_credential_plugin_that_fails_is_named(home: Home) -> None:
    plugin = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false"}}
    assert "/bin/false" in why(home.access(kubeconfig(plugin)))


def test_a_credential_plugin_gives_the_token(home: Home) -> None:
    answer = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t"}}'
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/bin/echo",
        "args": [answer],
        "interactiveMode": "Never",
    }
    made = home.access(kubeconfig({"exec": plugin})).sync_client().configuration
    assert made.auth_settings()["BearerToken"]["value"] == "Bearer t"


def test_outside_a_cluster_a_pool_needs_a_kubeconfig(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    message = why(home.access(kubeconfig=""))
    assert "does not run in a pod" in message
    assert str(home.directory) in message


def test_in_a_pod_its_service_account_is_used(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("token", "one"), ("ca.crt", "certificate"), ("namespace", "platform\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(connection, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = home.access(kubeconfig="")
    made = access.sync_client().configuration
    assert (made.host, access.namespace(), access.stamp()) == ("https://10.0.0.1:443", "platform", 0.0)
    assert made.auth_settings()["BearerToken"]["value"] == "bearer one"


def test_a_replaced_file_is_noticed(home: Home) -> None:
    access = home.access(kubeconfig())
    before = access.stamp()
    assert access.stamp() == before
    os.utime(home.directory / "prod.yaml", (1, 1))
    assert access.stamp() != before
