"""What a DELETE does to an object (apiserver/pkg/registry/rest/delete.go, and the pods' own strategy)."""

from dataclasses import dataclass

from tests.kube import clock, errors
from tests.kube.records import Obj, Record

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
FINALIZERS = {"Foreground": FOREGROUND, "Orphan": ORPHAN, "Background": ""}
DEFAULT_GRACE = 30


@dataclass(frozen=True, slots=True)
class Deletion:
    """The DeleteOptions that matter. `policy` is one of FINALIZERS, or empty for the kind's default."""

    policy: str = ""
    uid: str = ""
    version: str = ""
    grace_seconds: int | None = None

    def check(self, record: Record) -> None:
        """Raises 409 when it is another object than the one that was meant."""
        for what, wanted, found in (("UID", self.uid, record.uid), ("ResourceVersion", self.version, record.version)):
            if wanted and wanted != str(found):
                why = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found})."
                why += " The object might have been deleted and then recreated"
                raise errors.conflict(record.resource.plural, record.key[1], why, record.resource.group)


def begin_deletion(obj: Obj, deletion: Deletion) -> None:
    """Marks the object; one without finalizers and grace is final then. A second call can shorten the grace only."""
    metadata = obj["metadata"]
    set_policy(metadata, deletion.policy)
    grace = grace_of(obj, deletion.grace_seconds)
    earlier = metadata.get("deletionGracePeriodSeconds")
    if earlier is None or grace < earlier:
        metadata["deletionTimestamp"] = clock.now(ahead=grace)
        metadata["deletionGracePeriodSeconds"] = grace


def set_policy(metadata: Obj, policy: str) -> None:
    """A second deletion without a policy keeps the first one's."""
    if not policy and "deletionTimestamp" in metadata:
        return
    others = [each for each in metadata.get("finalizers") or () if each not in (FOREGROUND, ORPHAN)]
    finalizers = others + [each for each in [FINALIZERS.get(policy, "")] if each]
    metadata.pop("finalizers", None)
    if finalizers:
        metadata["finalizers"] = finalizers


def grace_of(obj: Obj, asked: int | None) -> int:
    """Only pods have a grace, and of these only those that a kubelet has begun and not ended."""
    if obj["kind"] != "Pod" or not obj["spec"].get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    return int(obj["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)) if asked is None else asked


def is_final(obj: Obj) -> bool:
    metadata = obj["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    return not metadata.get("deletionGracePeriodSeconds")
