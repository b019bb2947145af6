"""A pod's phase and conditions, from the states of its containers (pkg/kubelet/status/generate.go). Pure."""

from collections.abc import Sequence

from tests.kube import clock
from tests.kube.records import Obj


def phase_of(states: Sequence[Obj]) -> str:
    """With restartPolicy Never, which all pods of the double are treated to have."""
    if all("terminated" in state for state in states):
        return "Succeeded" if all(state["terminated"]["exitCode"] == 0 for state in states) else "Failed"
    started = any("waiting" not in state for state in states)
    return "Running" if started and not any("waiting" in state for state in states) else "Pending"


def conditions(phase: str, statuses: Sequence[Obj]) -> list[Obj]:
    unready = [status["name"] for status in statuses if not status["ready"]]
    ready: Obj = {"status": "False" if unready else "True"}
    if phase in ("Succeeded", "Failed"):
        ready = {"status": "False", "reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    elif unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        ready |= {"reason": "ContainersNotReady", "message": message}
    sandbox = "True" if any("containerID" in status for status in statuses) and phase == "Running" else "False"
    return [
        {"type": "PodReadyToStartContainers", "status": sandbox},
        {"type": "Initialized", "status": "True"} | ({"reason": "PodCompleted"} if phase == "Succeeded" else {}),
        {"type": "Ready", **ready},
        {"type": "ContainersReady", **ready},
    ]


def merge(old: Sequence[Obj], new: Sequence[Obj]) -> list[Obj]:
    """The kubelet's own conditions replace those of their type; a time moves on only with the status."""
    before = {condition["type"]: condition for condition in old}
    merged = []
    for condition in new:
        was = before.pop(condition["type"], None)
        same = was is not None and was["status"] == condition["status"]
        at = was["lastTransitionTime"] if was is not None and same else clock.now()
        merged.append({"lastProbeTime": None, "lastTransitionTime": at, **condition})
    return merged + list(before.values())
