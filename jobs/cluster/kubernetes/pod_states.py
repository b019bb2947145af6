"""One pod as the API shows it → PodSnapshot. Pure.

What a pod says of itself comes first: a container's own end, or the disruption that hit it. A pod that was told to end
before it had ended is not a success, whatever code its command left with: a training that saves its state on TERM and
exits 0 is not done. Who told it cannot be read off the pod; `told` decides where that is known (snapshots.py).

Sources: core/v1 PodStatus; "Pod disruption conditions" and "Pod lifecycle" of Kubernetes' documentation; the kubelet's
container reasons (StartError is containerd's, ContainerCannotRun older runtimes').
"""

import re
from datetime import datetime, timedelta

from jobs import quantities
from jobs.cluster.base import Condition, PodPhase, PodReason, PodRef, PodSnapshot
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.labels import REPLICA, ref_of
from jobs.logs.format import CONTAINER

PHASES = {"": PodPhase.PENDING, **{phase.value: phase for phase in PodPhase}}
TRUTHS = {"True": True, "False": False}
DISRUPTIONS = {
    "PreemptionByScheduler": PodReason.PREEMPTED,
    "EvictionByEvictionAPI": PodReason.EVICTED,
    "TerminationByKubelet": PodReason.EVICTED,
    "DeletionByTaintManager": PodReason.NODE_LOST,
    "DeletionByPodGC": PodReason.NODE_LOST,
}
POD_REASONS = {
    "Evicted": PodReason.EVICTED,
    "Preempting": PodReason.PREEMPTED,
    "NodeLost": PodReason.NODE_LOST,
    "NodeShutdown": PodReason.NODE_LOST,
    "Shutdown": PodReason.NODE_LOST,
    "Terminated": PodReason.NODE_LOST,  # by a node's graceful shutdown
    "DeadlineExceeded": PodReason.DEADLINE,
    # Refused by the kubelet after the scheduler had placed it: it never ran, and may well run elsewhere.
    "UnexpectedAdmissionError": PodReason.EVICTED,
    "NodeAffinity": PodReason.EVICTED,
    "TopologyAffinityError": PodReason.EVICTED,
}
OUT_OF = "OutOf"  # and the resource: OutOfcpu, OutOfpods, OutOfnvidia.com/gpu; refused by the kubelet as well
# What the kubelet says of a container that it did not see end, or that never started before its pod was to end, with an
# exit code of its own making (pkg/kubelet/status, TerminatePod).
NOT_SEEN = "ContainerStatusUnknown"
CONTAINER_REASONS = {
    "OOMKilled": PodReason.OOM_KILLED,
    "StartError": PodReason.START_ERROR,
    "ContainerCannotRun": PodReason.START_ERROR,
    NOT_SEEN: PodReason.LOST,
}
DISRUPTED = "DisruptionTarget"
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # a log's last words may have any, NUL for one
NEVER = 1980  # runtimes give the year 1970, or 1, for a container that never started


def pod_snapshot(pod: wire.Pod, told: PodReason = PodReason.STOPPED) -> PodSnapshot | None:
    """None when it is no pod of ours. `told` is the reason for one that was told to end and says no reason itself."""
    ref = pod_ref(pod)
    if ref is None:
        return None
    phase, reason = phase_and_reason(pod, told)
    over = phase in (PodPhase.SUCCEEDED, PodPhase.FAILED)
    state, ended = state_of(pod), state_of(pod).terminated
    waits = ("", "") if over or state.running else waiting(pod, state)
    began = ended.started_at if ended else state.running.started_at if state.running else None
    return PodSnapshot(
        ref=ref,
        phase=phase,
        node=pod.spec.node_name,
        started_at=began if began and began.year >= NEVER else None,
        finished_at=finished_at(pod) if over else None,
        exit_code=ended.exit_code if over and ended and ended.reason != NOT_SEEN else None,
        reason=reason,
        message=readable(pod.status.message or (ended.message if ended else "")) if over else "",
        waiting_reason=waits[0],
        waiting_message=readable(waits[1]),
        conditions=conditions(pod.status.conditions),
        terminating=pod.metadata.deletion_timestamp is not None,
        memory_limit_bytes=memory_limit(pod),
    )


def pod_ref(pod: wire.Pod) -> PodRef | None:
    attempt, replica = ref_of(pod.metadata.labels), pod.metadata.labels.get(REPLICA, "")
    if attempt is None or not (replica.isascii() and replica.isdecimal() and len(replica) <= 6):
        return None
    return PodRef(attempt.job_id, attempt.attempt, int(replica), pod.metadata.uid)


def phase_and_reason(pod: wire.Pod, told: PodReason) -> tuple[PodPhase, PodReason]:
    phase = PHASES.get(pod.status.phase, PodPhase.UNKNOWN)
    if phase is PodPhase.SUCCEEDED:
        return (PodPhase.FAILED, disruption(pod) or told) if interrupted(pod) else (phase, PodReason.COMPLETED)
    if phase is not PodPhase.FAILED:
        return phase, (disruption(pod) if told_at(pod) else None) or PodReason.NONE
    if reason := disruption(pod) or named_reason(pod.status.reason):
        return phase, reason
    ended = state_of(pod).terminated
    own = CONTAINER_REASONS.get(ended.reason) if ended else None
    if own in (None, PodReason.LOST) and interrupted(pod):
        return phase, told
    return phase, own or (PodReason.ERROR if ended else PodReason.LOST)


def named_reason(reason: str) -> PodReason | None:
    return PodReason.EVICTED if reason.startswith(OUT_OF) else POD_REASONS.get(reason)


def disruption(pod: wire.Pod) -> PodReason | None:
    """The kubelet gives one name to all that it ends itself: its status tells an eviction from the node's shutdown and
    from the room that a critical pod needs (pkg/kubelet/eviction, nodeshutdown, preemption)."""
    for condition in pod.status.conditions:
        if condition.type == DISRUPTED and condition.status == "True":
            by_kubelet = condition.reason == "TerminationByKubelet"
            own = POD_REASONS.get(pod.status.reason) if by_kubelet else None
            return own or DISRUPTIONS.get(condition.reason, PodReason.EVICTED)
    return None


def interrupted(pod: wire.Pod) -> bool:
    """It was told to end before it had. The API has whole seconds: within one, it was."""
    told, ended = told_at(pod), state_of(pod).terminated
    return told is not None and (ended is None or ended.finished_at is None or told <= ended.finished_at)


def told_at(pod: wire.Pod) -> datetime | None:
    """When its deletion was asked for: deletionTimestamp is the end of the grace (ObjectMeta)."""
    if pod.metadata.deletion_timestamp is None:
        return None
    return pod.metadata.deletion_timestamp - timedelta(seconds=pod.metadata.deletion_grace_period_seconds or 0)


def finished_at(pod: wire.Pod) -> datetime | None:
    """The container's, else when the pod was no longer ready, else when it was told to end."""
    ended = state_of(pod).terminated
    if ended and ended.finished_at and ended.finished_at.year >= NEVER:
        return ended.finished_at
    times = {one.type: one.last_transition_time for one in pod.status.conditions}
    return times.get(DISRUPTED) or times.get("ContainersReady") or times.get("Ready") or told_at(pod)


def state_of(pod: wire.Pod) -> wire.ContainerState:
    for status in pod.status.container_statuses:
        if status.name == CONTAINER:
            return status.state
    return wire.ContainerState()


def waiting(pod: wire.Pod, state: wire.ContainerState) -> tuple[str, str]:
    """The container's words; before it has any, the scheduler's."""
    if state.waiting:
        return state.waiting.reason, state.waiting.message
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            return condition.reason, condition.message
    return pod.status.reason, pod.status.message


def readable(text: str) -> str:
    return UNPRINTABLE.sub("", text)


def conditions(found: list[wire.Condition]) -> tuple[Condition, ...]:
    return tuple(
        Condition(one.type, TRUTHS.get(one.status), one.reason, one.message, one.last_transition_time) for one in found
    )


def memory_limit(pod: wire.Pod) -> int:
    """0 for none, and for notations that nobody uses for memory (`1e9`, `1500m`)."""
    for container in pod.spec.containers:
        if container.name == CONTAINER:
            try:
                return quantities.memory_bytes(str(container.resources.limits.get("memory", "")))
            except ValueError:
                return 0
    return 0
