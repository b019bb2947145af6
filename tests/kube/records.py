"""One version of one object, as bytes, with what selectors and controllers look at beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal

import msgspec

from tests.kube.resources import Resource
from tests.kube.selectors import fields_of

Obj = dict[str, Any]
Key = tuple[str, str]  # namespace and name
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Record:
    """Immutable. `body` lacks kind and apiVersion, as the items of a typed list do."""

    resource: Resource
    body: bytes
    key: Key
    uid: str
    version: int
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    owners: tuple[str, ...]

    @property
    def raw(self) -> bytes:
        return head_of(self.resource) + self.body[1:]

    @property
    def item(self) -> bytes:
        """As it stands in a list: custom resources keep their kind there, built-in ones do not."""
        return self.raw if self.resource.is_custom else self.body

    def obj(self) -> Obj:
        """A copy of the caller's own."""
        return {
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version,
            **msgspec.json.decode(self.body, type=dict[str, Any]),
        }


@cache
def head_of(resource: Resource) -> bytes:
    return b'{"kind":"%s","apiVersion":"%s",' % (resource.kind.encode(), resource.api_version.encode())


def record_of(resource: Resource, obj: Obj, version: int) -> Record:
    """Sets the object's resourceVersion."""
    metadata = obj["metadata"]
    metadata["resourceVersion"] = str(version)
    return Record(
        resource,
        encode_body(resource, obj),
        (metadata.get("namespace", ""), metadata["name"]),
        metadata["uid"],
        version,
        metadata.get("labels") or {},
        fields_of(resource, obj),
        tuple(owner["uid"] for owner in metadata.get("ownerReferences") or ()),
    )


def encode_body(resource: Resource, obj: Obj) -> bytes:
    """What Record.obj() gave begins with kind and apiVersion, and is cut; else they are left out one by one."""
    encoded, head = msgspec.json.encode(obj), head_of(resource)
    if encoded.startswith(head):
        return b"{" + encoded[len(head) :]
    return msgspec.json.encode({key: value for key, value in obj.items() if key not in ("kind", "apiVersion")})


@dataclass(frozen=True)
class Change:
    """What happened to an object. `old` is the version before, None for a new object; for DELETED, `record` is the last
    state under the version of the deletion."""

    type: ChangeType
    record: Record
    old: Record | None

    @property
    def obj(self) -> Obj:
        """A copy of the caller's own."""
        return self.record.obj()

    @property
    def key(self) -> Key:
        return self.record.key

    @property
    def rv(self) -> int:
        return self.record.version

    @cached_property
    def lines(self) -> dict[str, bytes]:
        """The events of a watch by type: a selector can turn a MODIFIED into an ADDED or a DELETED."""
        return {}

    def line(self, kind: ChangeType) -> bytes:
        """Encoded once for all watches."""
        if kind not in self.lines:
            self.lines[kind] = b'{"type":"%s","object":%s}\n' % (kind.encode(), self.record.raw)
        return self.lines[kind]
