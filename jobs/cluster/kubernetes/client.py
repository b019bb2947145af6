"""The synchronous half's way to the API server: raw bytes over the official client's connections.

Any number of threads may use one Client. Each request has a connect and a read timeout; none is repeated, except after
a 401, which took no effect, with credentials read anew. Every error that leaves is one of jobs.cluster.errors.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
import urllib3

from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.errors import refused, unreachable

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Query = Sequence[tuple[str, str]]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
JOBS = "/apis/batch/v1", "jobs"
PODS = "/api/v1", "pods"
SECRETS = "/api/v1", "secrets"
SERVICES = "/api/v1", "services"
EVENTS = "/api/v1", "events"
RENEWAL_PAUSE = 10.0  # seconds between two times that refused credentials are read anew


@dataclass(frozen=True, slots=True)
class Connection:
    api: "ApiClient"
    namespace: str
    stamp: float
    made_at: float


class Client:
    def __init__(self, access: Access) -> None:
        self.access = access
        self.lock = threading.Lock()
        self.connection: Connection | None = None

    def get(self, kind: tuple[str, str], name: str = "", *, query: Query = (), accept: str = JSON) -> bytes:
        return self.request("GET", kind, name, query=query, accept=accept)

    def request(
        self,
        method: str,
        kind: tuple[str, str],
        name: str = "",
        *,
        query: Query = (),
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> bytes:
        """The body of a 2xx for objects of the pool's namespace."""
        group, plural = kind
        connection = self.connected()
        path = f"{group}/namespaces/{connection.namespace}/{plural}" + (f"/{quote(name, safe='')}" if name else "")
        return self.ask(method, path, query=query, body=body, content_type=content_type, accept=accept)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> bytes:
        """The body of a 2xx for an absolute path."""
        headers = {"Accept": accept} | ({"Content-Type": content_type} if body is not None else {})
        data = None if body is None else msgspec.json.encode(body)
        url = path + (f"?{urlencode(query)}" if query else "")
        connection = self.connected()
        answer = self.send(connection, method, url, headers, data)
        if answer.status == 401 and (renewed := self.renewed(connection)) is not connection:
            answer = self.send(renewed, method, url, headers, data)
        if not 200 <= answer.status < 300:
            raise refused(answer.status, answer.data, f"{method} {path}")
        return answer.data

    def send(
        self, connection: Connection, method: str, url: str, headers: dict[str, str], data: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        settings = connection.api.configuration
        timeout = urllib3.Timeout(connect=self.access.connect_seconds, read=self.access.read_seconds)
        pool: urllib3.PoolManager = connection.api.rest_client.pool_manager
        try:
            return pool.request(
                method,
                settings.host + url,
                body=data,
                headers=headers | self.authorization(connection),
                timeout=timeout,
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise unreachable(exc, settings.host) from exc

    def authorization(self, connection: Connection) -> dict[str, str]:
        """Asks the official client's hook, which reads a token anew when its time is over."""
        try:
            settings = connection.api.configuration.auth_settings().get("BearerToken")
        except Exception as exc:  # noqa: BLE001 (hooks run plugins and read files; their words may quote a token)
            raise Unavailable(f"the pool's credentials cannot be renewed: {type(exc).__name__}") from None
        return {"Authorization": str(settings["value"])} if settings and settings["value"] else {}

    def connected(self) -> Connection:
        stamp = self.access.stamp()
        with self.lock:
            if self.connection is None or self.connection.stamp != stamp:
                self.connection = self.connect(stamp)
            return self.connection

    def renewed(self, refused_one: Connection) -> Connection:
        """The same one when it is too young to be tried anew."""
        with self.lock:
            if self.connection is refused_one and time.monotonic() - refused_one.made_at > RENEWAL_PAUSE:
                self.connection = self.connect(refused_one.stamp)
            return self.connection or refused_one

    def connect(self, stamp: float) -> Connection:
        """Connections of the one before are closed as their requests end."""
        return Connection(self.access.sync_client(), self.access.namespace(), stamp, time.monotonic())
