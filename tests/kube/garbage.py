"""The garbage collector: what is owned goes with its owner (Kubernetes: "Garbage Collection", "Finalizers")."""

import asyncio
from collections.abc import Callable

from tests.kube.deletion import FOREGROUND, ORPHAN, Deletion
from tests.kube.errors import ApiError
from tests.kube.records import Change, Obj, Record
from tests.kube.store import Store


class GarbageCollector:
    def __init__(self, store: Store) -> None:
        self.store = store

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for plural in self.store.tables:
                if plural != "events":
                    group.create_task(self.follow(plural))

    async def follow(self, plural: str) -> None:
        with self.store.subscribe(plural) as subscription:
            async for change in subscription:
                self.see(change)

    def see(self, change: Change) -> None:
        record = change.record
        if change.type == "DELETED":
            self.after_owner(record.uid)
            for owner in record.owners:
                self.finish_foreground(owner)
            return
        if b'"deletionTimestamp"' in record.body:
            metadata = record.obj()["metadata"]
            if "deletionTimestamp" in metadata:
                self.finalize(record, metadata.get("finalizers") or [])
        if record.owners:
            self.check_owners(record)

    def finalize(self, record: Record, finalizers: list[str]) -> None:
        if ORPHAN in finalizers:
            for dependent in self.dependents(record.uid):
                self.edit(dependent, lambda obj: drop_owner(obj, record.uid))
            self.edit(record, lambda obj: drop_finalizer(obj, ORPHAN))
        elif FOREGROUND in finalizers:
            for dependent in self.dependents(record.uid):
                self.delete(dependent)
            self.finish_foreground(record.uid)

    def finish_foreground(self, uid: str) -> None:
        """The owner goes when nothing that blocks it is left."""
        owner = self.store.uids.get(uid)
        if owner and b'"%s"' % FOREGROUND.encode() in owner.body and not any(map(blocks(uid), self.dependents(uid))):
            self.edit(owner, lambda obj: drop_finalizer(obj, FOREGROUND))

    def after_owner(self, uid: str) -> None:
        for dependent in self.dependents(uid):
            self.check_owners(dependent)

    def check_owners(self, record: Record) -> None:
        """An object whose owners are all gone, or never were, goes too."""
        current = self.store.tables[record.resource.plural].records.get(record.key)
        if current and current.uid == record.uid and not any(owner in self.store.uids for owner in current.owners):
            self.delete(current)

    def dependents(self, uid: str) -> list[Record]:
        return [record for table in self.store.tables.values() for record in table.dependents(uid)]

    def delete(self, record: Record) -> None:
        deleting = b'"deletionTimestamp"' in record.body and "deletionTimestamp" in record.obj()["metadata"]
        if not deleting:
            try:
                self.store.remove(record.resource.plural, *record.key, Deletion("Background", uid=record.uid))
            except ApiError:
                pass  # it went by itself

    def edit(self, record: Record, change: Callable[[Obj], None]) -> None:
        try:
            self.store.change(record.resource.plural, *record.key, change)
        except ApiError:
            pass  # it went by itself


def blocks(uid: str) -> Callable[[Record], bool]:
    def check(record: Record) -> bool:
        owners = record.obj()["metadata"].get("ownerReferences") or ()
        return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in owners)

    return check


def drop_owner(obj: Obj, uid: str) -> None:
    owners = [owner for owner in obj["metadata"].get("ownerReferences") or () if owner["uid"] != uid]
    obj["metadata"].pop("ownerReferences", None)
    if owners:
        obj["metadata"]["ownerReferences"] = owners


def drop_finalizer(obj: Obj, finalizer: str) -> None:
    left = [each for each in obj["metadata"].get("finalizers") or () if each != finalizer]
    obj["metadata"].pop("finalizers", None)
    if left:
        obj["metadata"]["finalizers"] = left
