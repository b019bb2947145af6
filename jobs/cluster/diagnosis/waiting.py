"""Why an attempt does not run yet. Pure; never raises, whatever the cluster says."""

from jobs.cluster.base import AttemptSnapshot, Notice, PodPhase, PodSnapshot
from jobs.cluster.diagnosis.admission import refusal_finding
from jobs.cluster.diagnosis.configuration import config_finding
from jobs.cluster.diagnosis.excerpt import excerpt
from jobs.cluster.diagnosis.findings import Asked, Finding, Stuck
from jobs.cluster.diagnosis.images import image_finding
from jobs.cluster.diagnosis.kueue import kueue_finding
from jobs.cluster.diagnosis.scheduling import scheduling_finding
from jobs.cluster.diagnosis.volumes import volume_finding

PREPARING = frozenset({"ContainerCreating", "PodInitializing"})
URGENCY = [Stuck.NEVER, Stuck.YES, Stuck.NO]
NOTHING_KNOWN = Asked()


def why_waiting(snapshot: AttemptSnapshot, asked: Asked = NOTHING_KNOWN) -> Finding | None:
    """None: there is nothing to say beyond "Starting". What will not pass by itself comes before what may, and what
    concerns the whole attempt before one pod's trouble."""
    if snapshot.all_running or snapshot.all_over or snapshot.going_down:
        return None
    if held := kueue_finding(snapshot, asked):
        return held
    missing = len(snapshot.pods) < snapshot.replicas
    refused = refusal_finding(snapshot.notices) if missing else None
    waiting = [pod for pod in snapshot.pods if pod.phase is PodPhase.PENDING]
    found = [one for pod in waiting if (one := why_pod_waits(pod, notices_of(snapshot, pod), asked))]
    if refused:
        found.append(refused)
    if not found:
        return None
    first = min(found, key=lambda one: (URGENCY.index(one.stuck), one.reason == "Starting"))
    return Finding(first.reason, {**first.params, **shares(snapshot)}, first.stuck, first.ending)


def why_pod_waits(pod: PodSnapshot, notices: tuple[Notice, ...], asked: Asked) -> Finding | None:
    return (
        image_finding(pod, asked.image)
        or config_finding(pod)
        or scheduling_finding(pod, asked)
        or volume_finding(notices)
        or preparing(pod, notices)
    )


def preparing(pod: PodSnapshot, notices: tuple[Notice, ...]) -> Finding | None:
    if not pod.node or pod.waiting_reason not in PREPARING:
        return None
    stage = max((one for one in notices if one.reason in ("Pulling", "Pulled")), key=lambda one: one.at, default=None)
    variant = "pulling" if stage and stage.reason == "Pulling" else "preparing"
    return Finding("Starting", {"variant": variant, "node": excerpt(pod.node)})


def notices_of(snapshot: AttemptSnapshot, pod: PodSnapshot) -> tuple[Notice, ...]:
    return tuple(
        one
        for one in snapshot.notices
        if one.replica == pod.ref.replica or (one.replica is None and one.object_uid == pod.ref.uid != "")
    )


def shares(snapshot: AttemptSnapshot) -> dict[str, int]:
    """How many of an attempt's replicas do not run, where it has several and not all of them wait."""
    waiting = snapshot.replicas - sum(pod.phase is PodPhase.RUNNING for pod in snapshot.pods)
    return {"waiting": waiting, "replicas": snapshot.replicas} if waiting < snapshot.replicas else {}
