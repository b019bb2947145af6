"""The objects of the cluster: the part of etcd and of the API server's generic registry.

Used from the server's event loop alone. No function awaits, so each is atomic: what it read is what it changes. Every
object given out is a copy."""

import random
from collections.abc import Callable, Iterable, Mapping

from tests.kube import clock, errors
from tests.kube.defaults import new_uid
from tests.kube.deletion import Deletion, begin_deletion, is_final
from tests.kube.records import Change, ChangeType, Obj, Record, encode_body, record_of
from tests.kube.resources import Resource
from tests.kube.selectors import EVERYTHING, Requirement, Selector
from tests.kube.subscriptions import Subscription
from tests.kube.tables import Table

SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # apimachinery/pkg/util/rand: no vowels, no digits that look like letters


def suffix(length: int = 5) -> str:
    return "".join(random.choices(SUFFIX, k=length))


Objs = list[Obj]  # within the class, `list` is its method
Records = list[Record]


class Store:
    def __init__(self, resources: Iterable[Resource], *, history: int = 20_000) -> None:
        self.version = random.randrange(1_000, 100_000)
        self.tables = {resource.plural: Table(resource, history) for resource in resources}
        self.uids: dict[str, Record] = {}
        self.subscriptions: dict[str, list[Subscription]] = {plural: [] for plural in self.tables}

    def record(self, resource: str, namespace: str, name: str) -> Record:
        """Raises 404."""
        table = self.tables[resource]
        record = table.records.get((namespace, name))
        if record is None:
            raise errors.not_found(resource, name, table.resource.group)
        return record

    def get(self, resource: str, namespace: str, name: str) -> Obj:
        """Raises 404."""
        return self.record(resource, namespace, name).obj()

    def find(self, resource: str, namespace: str, name: str) -> Obj | None:
        record = self.tables[resource].records.get((namespace, name))
        return record.obj() if record else None

    def list(self, resource: str, namespace: str = "", labels: Mapping[str, str] | None = None) -> Objs:
        wanted = tuple(Requirement(key, frozenset([value])) for key, value in (labels or {}).items())
        return [record.obj() for record in self.select(resource, namespace, Selector(wanted))]

    def select(self, resource: str, namespace: str = "", selector: Selector = EVERYTHING) -> Records:
        return self.tables[resource].select(namespace, selector)

    def create(self, resource: str, obj: Obj) -> Obj:
        """Fills in the metadata that the API server sets. Raises 409 when the name is taken."""
        table = self.tables[resource]
        metadata = obj["metadata"]
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + suffix()
        key = (metadata.get("namespace", ""), metadata["name"])
        if key in table.records:
            raise errors.already_exists(resource, key[1], table.resource.group)
        metadata.update(uid=metadata.get("uid") or new_uid(), creationTimestamp=clock.now())
        return self.commit("ADDED", table, obj, None).obj()

    def update(self, resource: str, obj: Obj) -> Obj:
        """Replace the object. Raises 404; 409 when its resourceVersion or uid is given and is not the current one."""
        metadata = obj["metadata"]
        record = self.record(resource, metadata.get("namespace", ""), metadata["name"])
        group = record.resource.group
        if metadata.get("uid", record.uid) != record.uid:
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {record.uid}"
            raise errors.conflict(resource, record.key[1], why, group)
        if metadata.get("resourceVersion", "") not in ("", str(record.version)):
            raise errors.modified(resource, record.key[1], group)
        return self.replace(record, obj).obj()

    def change(self, resource: str, namespace: str, name: str, edit: Callable[[Obj], None]) -> Obj:
        """Read, edit, write. Raises 404, and whatever `edit` raises; then nothing is changed."""
        record = self.record(resource, namespace, name)
        obj = record.obj()
        edit(obj)
        return self.replace(record, obj).obj()

    def replace(self, record: Record, obj: Obj) -> Record:
        """What stays the same makes no new version and no event. An object that only waits for its finalizers goes away
        with the last of them."""
        metadata = obj["metadata"]
        metadata["resourceVersion"] = str(record.version)
        metadata.update(uid=record.uid)
        table = self.tables[record.resource.plural]
        if is_final(obj):
            return self.commit("DELETED", table, obj, record)
        if encode_body(record.resource, obj) == record.body:
            return record
        return self.commit("MODIFIED", table, obj, record)

    def delete(
        self, resource: str, namespace: str, name: str, *, uid: str = "", grace_seconds: int | None = None
    ) -> None:
        """Raises 404, and 409 when the object has another uid."""
        self.remove(resource, namespace, name, Deletion(uid=uid, grace_seconds=grace_seconds))

    def remove(self, resource: str, namespace: str, name: str, deletion: Deletion) -> Record:
        """The object as it is then, or as it was when it went at once."""
        record = self.record(resource, namespace, name)
        deletion.check(record)
        obj = record.obj()
        begin_deletion(obj, deletion)
        return self.replace(record, obj)

    def commit(self, kind: ChangeType, table: Table, obj: Obj, old: Record | None) -> Record:
        self.version += 1
        record = record_of(table.resource, obj, self.version)
        change = Change(kind, record, old)
        table.put(change)
        self.uids[record.uid] = record
        if kind == "DELETED":
            del self.uids[record.uid]
        for subscription in self.subscriptions[table.resource.plural]:
            subscription.push(change)
        return record

    def subscribe(self, resource: str, initial: bool = True) -> Subscription:
        """With `initial`, begins with an ADDED for everything that is there."""
        subscription = Subscription(self.subscriptions[resource].remove)
        self.subscriptions[resource].append(subscription)
        if initial:
            for record in self.select(resource):
                subscription.push(Change("ADDED", record, None))
        return subscription

    def wake_all(self) -> None:
        """Whoever waits for a change looks round, though there is none."""
        for subscriptions in self.subscriptions.values():
            for subscription in subscriptions:
                subscription.wake()

    def compact(self) -> None:
        """Forget all history, as etcd does after some minutes: every watch from before is too old now."""
        for table in self.tables.values():
            table.changes.clear()
            table.compacted = self.version
