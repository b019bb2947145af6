"""Changes of a pod's status that several components make."""

from tests.kube import clock
from tests.kube.records import Obj


def set_pod_condition(pod: Obj, kind: str, value: str, reason: str = "", message: str = "") -> None:
    """The time of the transition is that of the last change of its value."""
    conditions = pod.setdefault("status", {}).setdefault("conditions", [])
    old = next((each for each in conditions if each["type"] == kind), None)
    kept = old is not None and old["status"] == value
    entry = {"type": kind, "status": value, "lastProbeTime": None}
    entry["lastTransitionTime"] = old["lastTransitionTime"] if old and kept else clock.now()
    entry |= {name: text for name, text in (("reason", reason), ("message", message)) if text}
    if old:
        conditions[conditions.index(old)] = entry
    else:
        conditions.append(entry)


def begin_running(pod: Obj, node: str) -> None:
    """As the kubelet reports a pod whose containers all run."""
    now = clock.now()
    status = pod["status"]
    status.update(phase="Running", startTime=status.get("startTime", now), hostIP="192.0.2.1", podIP="10.244.0.9")
    status["podIPs"] = [{"ip": "10.244.0.9"}]
    status["containerStatuses"] = [
        container_status(container, {"running": {"startedAt": now}}, running=True)
        for container in pod["spec"]["containers"]
    ]
    for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"):
        set_pod_condition(pod, kind, "True")


def end(pod: Obj, exit_code: int, reason: str = "") -> None:
    """As the kubelet reports a pod whose containers all ended so."""
    now = clock.now()
    status = pod["status"]
    status["phase"] = "Failed" if exit_code else "Succeeded"
    entries = {each["name"]: each for each in status.get("containerStatuses") or ()}
    statuses = []
    for container in pod["spec"]["containers"]:
        state = (entries.get(container["name"]) or {}).get("state", {})
        began = (state.get("running") or {}).get("startedAt", now)
        ended = {"exitCode": exit_code, "reason": reason or ("Error" if exit_code else "Completed")}
        ended |= {"startedAt": began, "finishedAt": now, "containerID": f"containerd://{pod['metadata']['uid']}"}
        statuses.append(container_status(container, {"terminated": ended}, running=False))
    status["containerStatuses"] = statuses
    why = "PodFailed" if exit_code else "PodCompleted"
    for kind in ("Ready", "ContainersReady"):
        set_pod_condition(pod, kind, "False", why)


def container_status(container: Obj, state: Obj, *, running: bool) -> Obj:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": container["image"],
        "lastState": {},
        "ready": running,
        "started": running,
        "restartCount": 0,
        "state": state,
    }
