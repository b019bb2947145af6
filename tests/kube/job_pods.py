"""The pods of a Job: how they are made, and how the Job controller sees them (pkg/controller/job)."""

from typing import Any

import msgspec

from tests.kube.defaults import JOB_NAME, pod_from
from tests.kube.records import Obj, Record

TRACKING = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_ENV = {
    "name": "JOB_COMPLETION_INDEX",
    "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}},
}


class PodMetadata(msgspec.Struct, rename="camel"):
    name: str
    uid: str
    finalizers: list[str] | None = None
    deletion_timestamp: str | None = None
    annotations: dict[str, str] | None = None


class PodCondition(msgspec.Struct):
    type: str
    status: str


class PodStatus(msgspec.Struct):
    phase: str = "Pending"
    conditions: list[PodCondition] | None = None


class View(msgspec.Struct):
    """The part of a pod that the controller looks at."""

    metadata: PodMetadata
    status: PodStatus

    @property
    def index(self) -> int | None:
        text = (self.metadata.annotations or {}).get(INDEX, "")
        return int(text) if text.isdecimal() else None

    @property
    def tracked(self) -> bool:
        return TRACKING in (self.metadata.finalizers or ())

    @property
    def succeeded(self) -> bool:
        return self.status.phase == "Succeeded"

    @property
    def failed(self) -> bool:
        """A pod that is being deleted counts as failed, unless it succeeded."""
        return self.status.phase == "Failed" or (self.deleting and not self.succeeded)

    @property
    def deleting(self) -> bool:
        return self.metadata.deletion_timestamp is not None

    @property
    def over(self) -> bool:
        return self.status.phase in ("Succeeded", "Failed")

    @property
    def active(self) -> bool:
        return not self.over and not self.deleting

    @property
    def terminating(self) -> bool:
        return self.deleting and not self.over

    @property
    def ready(self) -> bool:
        return any(each.type == "Ready" and each.status == "True" for each in self.status.conditions or ())


DECODER = msgspec.json.Decoder(View)


def view(record: Record) -> View:
    return DECODER.decode(record.body)


def new_pod(job: Obj, index: int | None) -> Obj:
    """To be created: its name gets five random characters. Index None is for a Job that is not Indexed."""
    name = job["metadata"]["name"]
    pod = pod_from(job["spec"]["template"])
    metadata = pod["metadata"]
    metadata["generateName"] = f"{name}-" if index is None else f"{name}-{index}-"
    metadata["finalizers"] = [TRACKING]
    metadata["ownerReferences"] = [owner_reference(job)]
    metadata.setdefault("labels", {})[JOB_NAME] = name
    metadata["labels"]["job-name"] = name
    if index is not None:
        metadata["labels"][INDEX] = str(index)
        metadata.setdefault("annotations", {})[INDEX] = str(index)
        pod["spec"]["hostname"] = f"{name}-{index}"
        for container in pod["spec"]["containers"]:
            add_index(container)
    return pod


def add_index(container: dict[str, Any]) -> None:
    env = container.setdefault("env", [])
    if not any(each["name"] == INDEX_ENV["name"] for each in env):
        env.append(INDEX_ENV)


def owner_reference(job: Obj) -> dict[str, Any]:
    return {
        "apiVersion": job["apiVersion"],
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def untrack(pod: Obj) -> None:
    left = [each for each in pod["metadata"].get("finalizers") or () if each != TRACKING]
    pod["metadata"].pop("finalizers", None)
    if left:
        pod["metadata"]["finalizers"] = left
