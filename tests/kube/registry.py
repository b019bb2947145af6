"""Creating and changing objects the way the API server does: schema, defaults, validation, admission, then the store.
The REST handlers and the Job controller both come through here; the kubelet and the other controllers write to the
store itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.kube import admission, defaults, errors, schema, validation
from tests.kube.deletion import Deletion
from tests.kube.records import Obj, Record, record_of
from tests.kube.resources import Resource
from tests.kube.store import Store, suffix

ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them "
    "or set propagationPolicy=Orphan to suppress this warning"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """`warnings` go into Warning headers."""

    record: Record
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Registry:
    store: Store
    resources: Mapping[str, Resource] = field(init=False)

    def __post_init__(self) -> None:
        self.resources = {plural: table.resource for plural, table in self.store.tables.items()}

    def create(
        self, resource: Resource, namespace: str, obj: Obj, *, field_validation: str = "Warn", dry_run: bool = False
    ) -> Answer:
        """Raises 400, 403, 409 and 422 as the API server does."""
        obj, warnings = schema.checked(resource, obj, field_validation)
        metadata = place(resource, namespace, obj)
        if resource.namespaced:
            self.store.record("namespaces", "", namespace)  # 404 when it is not there
        metadata.pop("resourceVersion", None)
        metadata.pop("deletionTimestamp", None)
        defaults.on_create(resource, obj)
        validation.check(resource, obj)
        if not metadata.get("name"):
            metadata["name"] = metadata["generateName"] + suffix()
        warnings += admission.check(self.store, resource, obj)
        if dry_run:
            return Answer(self.unsaved(resource, obj), tuple(warnings))
        created = self.store.create(resource.plural, obj)
        return Answer(self.saved(resource, created), tuple(warnings))

    def unsaved(self, resource: Resource, obj: Obj) -> Record:
        obj["metadata"].setdefault("uid", "00000000-0000-0000-0000-000000000000")
        return record_of(resource, obj, 0)

    def saved(self, resource: Resource, obj: Obj) -> Record:
        metadata = obj["metadata"]
        return self.store.record(resource.plural, metadata.get("namespace", ""), metadata["name"])

    def replace(
        self, resource: Resource, namespace: str, name: str, obj: Obj, *, subresource: str, field_validation: str
    ) -> Answer:
        """PUT and PATCH: with `subresource` status only the status is taken, without it all but the status."""
        obj, warnings = schema.checked(resource, obj, field_validation)
        metadata = place(resource, namespace, obj)
        if metadata.get("name") != name:
            text = f"the name of the object ({metadata.get('name')}) does not match the name on the URL ({name})"
            raise errors.bad_request(text)
        old = self.store.record(resource.plural, namespace, name)
        merged = defaults.on_update(resource, old.obj(), obj, subresource)
        if subresource != "status":
            validation.check_update(resource, old.obj(), merged)
        self.check_version(old, metadata)
        if merged == old.obj():  # though its fields may stand in another order
            return Answer(old, tuple(warnings))
        return Answer(self.store.replace(old, merged), tuple(warnings))

    def check_version(self, old: Record, metadata: Obj) -> None:
        if metadata.get("resourceVersion") and metadata["resourceVersion"] != str(old.version):
            raise errors.modified(old.resource.plural, old.key[1], old.resource.group)
        if metadata.get("uid") and metadata["uid"] != old.uid:
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {old.uid}"
            raise errors.conflict(old.resource.plural, old.key[1], why, old.resource.group)

    def delete(self, resource: Resource, namespace: str, name: str, deletion: Deletion) -> Answer:
        """A Job that is deleted without a word about its pods leaves them behind, and the answer warns of it."""
        warnings: tuple[str, ...] = ()
        if resource.plural == "jobs" and not deletion.policy:
            deletion = Deletion("Orphan", deletion.uid, deletion.version, deletion.grace_seconds)
            warnings = (ORPHANS,)
        return Answer(self.store.remove(resource.plural, namespace, name, deletion), warnings)


def place(resource: Resource, namespace: str, obj: Obj) -> Obj:
    """The object's metadata, in the namespace of the path. Raises 400 when it says another."""
    metadata: Obj = obj.setdefault("metadata", {})
    if not resource.namespaced:
        metadata.pop("namespace", None)
        return metadata
    if metadata.get("namespace", namespace) != namespace:
        text = "the namespace of the provided object does not match the namespace sent on the request"
        raise errors.bad_request(text)
    metadata["namespace"] = namespace
    return metadata
