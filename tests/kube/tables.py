"""The objects of one kind, found by name, label, owner or field, and what happened to them of late."""

from collections import deque
from collections.abc import Iterable

from tests.kube.errors import too_old
from tests.kube.records import Change, Key, Record
from tests.kube.resources import Resource
from tests.kube.selectors import Requirement, Selector

# The labels by which clients and controllers find a few objects among tens of thousands.
INDEXED = ("jobs-platform/job-id", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")


class Table:
    def __init__(self, resource: Resource, history: int) -> None:
        self.resource = resource
        self.records: dict[Key, Record] = {}
        self.changes: deque[Change] = deque(maxlen=history)
        self.compacted = 0  # a watch from an older version is refused
        self.owned: dict[str, dict[Key, None]] = {}
        self.indexes: dict[str, dict[str, dict[Key, None]]] = {name: {} for name in (*INDEXED, resource.index) if name}

    def put(self, change: Change) -> None:
        """Keep what the change says; it is newer than all before it."""
        if len(self.changes) == self.changes.maxlen:
            self.compacted = self.changes[0].rv
        self.changes.append(change)
        if change.old:
            self.unindex(change.old)
        if change.type == "DELETED":
            self.records.pop(change.key, None)
        else:
            self.records[change.key] = change.record
            self.index(change.record)

    def index(self, record: Record) -> None:
        for index, value in self.entries(record):
            index.setdefault(value, {})[record.key] = None

    def unindex(self, record: Record) -> None:
        for index, value in self.entries(record):
            keys = index.get(value, {})
            keys.pop(record.key, None)
            if not keys:
                index.pop(value, None)

    def entries(self, record: Record) -> list[tuple[dict[str, dict[Key, None]], str]]:
        found = [(self.owned, owner) for owner in record.owners]
        for name, index in self.indexes.items():
            value = record.labels.get(name) or record.fields.get(name)
            if value:
                found.append((index, value))
        return found

    def dependents(self, uid: str) -> list[Record]:
        return [self.records[key] for key in self.owned.get(uid, ())]

    def select(self, namespace: str, selector: Selector) -> list[Record]:
        """In the order of their names, as from etcd. An empty namespace is all of them."""
        found = [
            record
            for record in self.candidates(namespace, selector)
            if (not namespace or record.key[0] == namespace) and selector.matches(record.labels, record.fields)
        ]
        found.sort(key=lambda record: record.key)
        return found

    def candidates(self, namespace: str, selector: Selector) -> Iterable[Record]:
        if namespace and selector.name:
            record = self.records.get((namespace, selector.name))
            return [record] if record else []
        for one in (*selector.labels, *selector.fields):
            if self.answers(one):
                index = self.indexes[one.key]
                keys = {key: None for value in one.values or () for key in index.get(value, ())}
                return [self.records[key] for key in keys]
        return self.records.values()

    def answers(self, one: Requirement) -> bool:
        """Whether an index holds everything that can meet the requirement: not what lacks the label."""
        return one.key in self.indexes and not one.negative and one.values is not None and "" not in one.values

    def since(self, version: int) -> list[Change]:
        """Every change after the version. Raises 410 when some of them are forgotten."""
        if version < self.compacted:
            raise too_old(version, self.compacted)
        return [change for change in self.changes if change.rv > version]
