"""A plain HTTP client for the tests of the double itself: what is on the wire is what they look at."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from tests.kube.server import ApiServer

T = TypeVar("T")
PATIENCE = 10.0


class Answer:
    def __init__(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.status = response.status
        self.warning = response.headers.get("Warning", "")
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection, opened anew when it was closed."""

    def __init__(self, server: ApiServer, *, token: str = "") -> None:
        self.server = server
        self.token = token or server.token
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        where = urlsplit(self.server.url)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(str(where.hostname), where.port, timeout=PATIENCE, context=context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.connection.close()

    def path(self, resource: str, name: str = "", **query: Any) -> str:
        plural = resource.partition("/")[0]
        found = self.server.plane.registry.resources[plural]
        namespaced = f"/namespaces/{self.server.namespace}" if found.namespaced else ""
        path = f"{found.root}{namespaced}/{plural}" + (f"/{name}" if name else "")
        path += resource.removeprefix(plural)
        return f"{path}?{urlencode(query)}" if query else path

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Raises OSError or http.client.HTTPException when there is no answer."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = self.connection.getresponse()
            return Answer(response, response.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def get(self, resource: str, name: str = "", **query: Any) -> Answer:
        return self.request("GET", self.path(resource, name, **query))

    def create(self, resource: str, obj: Any, **query: Any) -> Answer:
        return self.request("POST", self.path(resource, **query), obj)

    def delete(self, resource: str, name: str, options: Any = None, **query: Any) -> Answer:
        return self.request("DELETE", self.path(resource, name, **query), options)

    def patch(self, resource: str, name: str, patch: Any, kind: str = "merge-patch") -> Answer:
        return self.request("PATCH", self.path(resource, name), patch, Content_Type=f"application/{kind}+json")

    def watch(self, resource: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Events until the server ends the stream, on a connection of its own."""
        connection = self.connect()
        try:
            path = self.path(resource, watch="true", **query)
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            while line := response.readline():
                yield json.loads(line)
        finally:
            connection.close()


def eventually(look: Callable[[], T], patience: float = PATIENCE) -> T:
    """What `look` finds when that is true at last."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:g} s; last: {found!r}")
        time.sleep(0.01)
    return found
