"""What a request asks for, read from its path as the API server reads it (apiserver/pkg/endpoints/request), and the log
of all requests."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT = 200_000  # requests
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get", "HEAD": "get"}


@dataclass(frozen=True, slots=True)
class Info:
    """`resource` is empty for paths that are none of a resource, as /version."""

    verb: str
    path: str
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def read_info(method: str, path: str, query: Mapping[str, str]) -> Info:
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        return resource_info(method, path, query, "", parts[1], parts[2:])
    if parts[:1] == ["apis"] and len(parts) > 3:
        return resource_info(method, path, query, parts[1], parts[2], parts[3:])
    return Info(method.lower(), path)


def resource_info(method: str, path: str, query: Mapping[str, str], group: str, version: str, rest: list[str]) -> Info:
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    elif rest[0] == "namespaces" and len(rest) == 2:
        namespace = rest[1]
    resource, name, subresource = [*rest, "", "", ""][:3]
    verb = VERBS.get(method, method.lower())
    if not name and verb == "get":
        verb = "watch" if query.get("watch") in ("1", "true") else "list"
    elif not name and verb == "delete":
        verb = "deletecollection"
    return Info(verb, path, group, version, namespace, resource, name, subresource)


@dataclass(frozen=True, slots=True)
class Seen:
    at: float  # time.time()
    method: str
    info: Info
    query: Mapping[str, str]


@dataclass(slots=True)
class RequestLog:
    """Every request that came in, also those that a fault swallowed. Thread-safe."""

    entries: deque[Seen] = field(default_factory=lambda: deque(maxlen=KEPT))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, method: str, info: Info, query: Mapping[str, str]) -> None:
        with self.lock:
            self.entries.append(Seen(time.time(), method, info, query))

    def all(self, *, verb: str = "", resource: str = "", since: float = 0.0) -> list[Seen]:
        with self.lock:
            entries = list(self.entries)
        return [
            one
            for one in entries
            if one.at >= since and verb in ("", one.info.verb) and resource in ("", one.info.full_resource)
        ]

    def full_lists(self, resource: str, *, since: float = 0.0) -> list[Seen]:
        """The lists of a whole collection: those that do not ask for particular jobs or objects, and begin one."""
        lists = self.all(verb="list", resource=resource, since=since)
        return [
            one for one in lists if " in (" not in one.query.get("labelSelector", "") and "continue" not in one.query
        ]

    def clear(self) -> None:
        with self.lock:
            self.entries.clear()
