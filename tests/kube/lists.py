"""Lists, whole or in pages (Kubernetes API concepts, "Retrieving large results sets in chunks")."""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tests.kube import errors, partial, selectors
from tests.kube.faults import Faults
from tests.kube.records import Record
from tests.kube.requests_seen import Info
from tests.kube.resources import Resource
from tests.kube.store import Store

SNAPSHOTS = 100  # lists whose next pages can still be asked for


class Lists:
    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults
        self.snapshots: OrderedDict[int, tuple[int, Sequence[Record]]] = OrderedDict()

    def page(self, info: Info, resource: Resource, query: Mapping[str, str], accept: str) -> bytes:
        """The list's JSON. Raises 400 for selectors and tokens that cannot be read, 410 for a token that is too old."""
        if self.faults.take(info, "empty_list"):
            return self.render(resource, self.store.version, [], {}, accept)
        if self.faults.take(info, "list_without_items"):
            head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
            return msgspec.json.encode({**head, "metadata": {"resourceVersion": str(self.store.version)}})
        limit = int(query.get("limit") or 0)
        if token := query.get("continue"):
            version, records = self.rest_of(token)
        else:
            selector = selectors.parse(resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))
            version, records = self.store.version, self.store.select(resource.plural, info.namespace, selector)
        extra: dict[str, object] = {}
        if limit and len(records) > limit:
            extra["continue"] = self.keep(version, records[limit:])
            if not query.get("labelSelector") and not query.get("fieldSelector"):
                extra["remainingItemCount"] = len(records) - limit
            records = records[:limit]
        return self.render(resource, version, records, extra, accept)

    def keep(self, version: int, records: Sequence[Record]) -> str:
        number = next(reversed(self.snapshots), 0) + 1
        self.snapshots[number] = (version, records)
        if len(self.snapshots) > SNAPSHOTS:
            self.snapshots.popitem(last=False)
        return base64.urlsafe_b64encode(b'{"v":"meta.k8s.io/v1","rv":%d,"start":"%d"}' % (version, number)).decode()

    def rest_of(self, token: str) -> tuple[int, Sequence[Record]]:
        try:
            number = int(msgspec.json.decode(base64.urlsafe_b64decode(token))["start"])
        except (binascii.Error, msgspec.DecodeError, KeyError, TypeError, ValueError) as exc:
            raise errors.bad_request(f"continue key is not valid: {exc}") from exc
        if number not in self.snapshots:
            text = (
                "The provided continue parameter is too old to display a consistent list result. You can start a new "
            )
            raise errors.expired(text + "list without the continue parameter.")
        return self.snapshots[number]

    def whole(self, resource: Resource, records: Iterable[Record]) -> bytes:
        return self.render(resource, self.store.version, records, {}, "")

    def render(
        self, resource: Resource, version: int, records: Iterable[Record], extra: dict[str, object], accept: str
    ) -> bytes:
        """A list of metadata that holds nothing has null for its items (k8s.io/apiserver, handlers/response.go,
        asPartialObjectMetadataList appends to a nil slice); any other has an empty list."""
        metadata = msgspec.json.encode({"resourceVersion": str(version), **extra})
        if partial.wanted(accept):
            head, items = (b"PartialObjectMetadataList", b"meta.k8s.io/v1"), partial.partials(records)
        else:
            head = (f"{resource.kind}List".encode(), resource.api_version.encode())
            items = [record.item for record in records]
        body = b"[%s]" % b",".join(items) if items or not partial.wanted(accept) else b"null"
        return b'{"kind":"%s","apiVersion":"%s","metadata":%s,"items":%s}' % (*head, metadata, body)
