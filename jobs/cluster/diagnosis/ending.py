"""Why an attempt ended: the cause that explains the most, over all of its replicas. Pure; never raises.

When one replica fails, the others fail after it: with connection errors, by a watchdog's abort, or because the cluster
ends them. So a lost machine, a preemption or a shortage of memory anywhere comes before every exit code, and of exit
codes the first one does.
"""

import re
import signal
from collections.abc import Sequence
from typing import Any

from jobs import quantities
from jobs.cluster.base import AttemptSnapshot, Condition, PodReason, PodSnapshot
from jobs.cluster.diagnosis.excerpt import READ, excerpt
from jobs.cluster.diagnosis.findings import Ending
from jobs.states import EndReason

REASONS = {
    PodReason.OOM_KILLED: EndReason.OUT_OF_MEMORY,
    PodReason.EVICTED: EndReason.PREEMPTED,
    PodReason.PREEMPTED: EndReason.PREEMPTED,
    PodReason.NODE_LOST: EndReason.NODE_LOST,
    PodReason.LOST: EndReason.LOST,
    PodReason.DELETED: EndReason.LOST,
    PodReason.DEADLINE: EndReason.TIMED_OUT,
}
# What explains the most comes first: a replica that lost its machine takes its peers down with connection errors.
WEIGHT = [
    EndReason.NODE_LOST,
    EndReason.PREEMPTED,
    EndReason.OUT_OF_MEMORY,
    EndReason.TIMED_OUT,
    EndReason.COMMAND_FAILED,
    EndReason.LOST,
]
SIGNAL_BASE = 128
# What a crash of the command itself looks like, and what a peer's end does to it (a watchdog's abort, a broken pipe,
# the cluster's TERM). Of what ended in the same second the first is the cause.
CRASHES = frozenset({signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSYS})
CONSEQUENCES = frozenset({signal.SIGABRT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP, signal.SIGINT})
# Of the local pool: what the sentence says anyway.
SAID_ANYWAY = re.compile(r"exit code \d+|ended by signal \d+ \(\w+\)")
# Evictions that a pod brought upon itself: it would be evicted again (kubernetes' pkg/kubelet/eviction).
OWN_LIMIT = re.compile(
    r'Usage of EmptyDir volume "(?P<volume>[^"]+)" exceeds the limit "(?P<limit>[^"]+)"|'
    r"exceeds the total limit of containers (?P<total>\S+?)[.]?(?:\s|$)|"
    r'exceeded its local ephemeral storage limit "(?P<container>[^"]+)"'
)
# The kubelet's refusal of a pod that the scheduler had given it (kubernetes' pkg/kubelet/lifecycle).
REFUSED = re.compile(
    r"^Pod was rejected: |Allocate failed due to |Node didn't have enough resource|Predicate \S+ failed"
)
SHORT_OF = re.compile(r"node was low on resource: ([\w.-]+?)\.?(?:\s|$)")
# Reasons of the condition DisruptionTarget (kubernetes' pod disruption conditions), as variants of Preempted.
MECHANISMS = {
    "PreemptionByScheduler": "priority",
    "EvictionByEvictionAPI": "drain",
    "DeletionByTaintManager": "taint",
    "TerminationByKubelet": "kubelet",
}


def diagnose(pods: Sequence[PodSnapshot]) -> Ending | None:
    """The ending that the failed pods among these tell of; None when none failed by itself."""
    failed = [pod for pod in pods if pod.is_over and pod.reason not in (PodReason.COMPLETED, PodReason.STOPPED)]
    if not failed:
        return None
    pod = min(failed, key=lambda one: (weight(one, failed), finished(one), likeness(one), one.ref.replica))
    return Ending(end_reason(pod), params_of(pod))


def driven_out(pods: Sequence[PodSnapshot]) -> Ending | None:
    """The ending that pods tell of which the cluster takes away: they still run, or nobody can tell whether they do
    because their machine is out of reach, but they will not stay."""
    going = [pod for pod in pods if not pod.is_over and pod.terminating and pod.reason in REASONS]
    pod = min(going, key=lambda one: (WEIGHT.index(end_reason(one)), one.ref.replica), default=None)
    return Ending(end_reason(pod), params_of(pod)) if pod else None


def diagnose_attempt(snapshot: AttemptSnapshot) -> Ending | None:
    """Also by what the cluster says of the attempt as a whole: it knows best that its own time limit passed, and where
    no pod is left to tell, it is all there is."""
    ending = diagnose(snapshot.pods)
    failure = condition(snapshot, "Failed", "FailureTarget")
    if failure and failure.reason == "DeadlineExceeded":
        return Ending(EndReason.TIMED_OUT, {"variant": "cluster", "detail": excerpt(failure.message)})
    if failure is None or (ending and (ending.reason is not EndReason.LOST or ending.params.get("variant"))):
        return ending
    told = {"variant": "unseen", "detail": excerpt(failure.message)}
    return Ending(EndReason.LOST, {**(ending.params if ending else {}), **told})


def condition(snapshot: AttemptSnapshot, *types: str) -> Condition | None:
    found = {one.type: one for one in snapshot.conditions if one.status}
    return next((found[kind] for kind in types if kind in found), None)


def weight(pod: PodSnapshot, failed: Sequence[PodSnapshot]) -> int:
    """A pod that somebody deleted before any other failed took its peers down."""
    if pod.reason is PodReason.DELETED and pod.finished_at:
        others = [finished(one) for one in failed if end_reason(one) is EndReason.COMMAND_FAILED]
        if others and finished(pod) < min(others):
            return WEIGHT.index(EndReason.TIMED_OUT)
    return WEIGHT.index(end_reason(pod))


def end_reason(pod: PodSnapshot) -> EndReason:
    if pod.reason is PodReason.EVICTED and OWN_LIMIT.search(pod.message[:READ]):
        return EndReason.COMMAND_FAILED
    return REASONS.get(pod.reason, EndReason.COMMAND_FAILED)


def finished(pod: PodSnapshot) -> float:
    """In whole seconds, as clusters tell it; what is not known comes last."""
    return pod.finished_at.timestamp() // 1 if pod.finished_at else float("inf")


def likeness(pod: PodSnapshot) -> int:
    """Of a cause rather than of a consequence: the less, the more."""
    number = (pod.exit_code or 0) - SIGNAL_BASE
    if pod.reason is PodReason.START_ERROR or number in CRASHES:
        return 0
    return 2 if number in CONSEQUENCES or pod.terminating else 1


def params_of(pod: PodSnapshot) -> dict[str, Any]:
    said = "" if SAID_ANYWAY.fullmatch(pod.message) else excerpt(pod.message)
    params: dict[str, Any] = {"pod": pod.ref.name, "detail": said}
    if pod.exit_code is not None:
        params["exitCode"] = pod.exit_code
    if pod.node:
        params["node"] = excerpt(pod.node)
    if pod.memory_limit_bytes > 0:
        params["memoryLimit"] = quantities.show_memory(pod.memory_limit_bytes)
    return params | variant_of(pod)


def variant_of(pod: PodSnapshot) -> dict[str, Any]:
    match pod.reason:
        case PodReason.START_ERROR:
            return {"variant": "start"}
        case PodReason.DELETED:
            return {"variant": "deleted"}
        case PodReason.DEADLINE:
            return {"variant": "cluster"}
        case PodReason.EVICTED | PodReason.PREEMPTED:
            return eviction(pod)
        case PodReason.OOM_KILLED | PodReason.NODE_LOST | PodReason.LOST:
            return {}
    if pod.exit_code is None:
        return {"variant": "unknown"}
    name = signal_name(pod.exit_code)
    return {"variant": "signal", "signal": name} if name else {}


def eviction(pod: PodSnapshot) -> dict[str, Any]:
    if own := OWN_LIMIT.search(pod.message[:READ]):
        limit = own["limit"] or own["total"] or own["container"]
        params = {"variant": "storage", "limit": excerpt(limit)}
        return params | {"volume": excerpt(own["volume"])} if own["volume"] else params
    if REFUSED.search(pod.message[:READ]):
        return {"variant": "refused"}
    if short := SHORT_OF.search(pod.message[:READ]):
        return {"variant": "pressure", "resource": excerpt(short[1])}
    disrupted = next((one for one in pod.conditions if one.type == "DisruptionTarget" and one.status), None)
    if disrupted is None:
        return {}
    told = {"variant": MECHANISMS[disrupted.reason]} if disrupted.reason in MECHANISMS else {}
    return told if pod.message else told | {"detail": excerpt(disrupted.message)}


def signal_name(exit_code: int) -> str:
    """SIGKILL for 137; empty for codes that tell of no signal."""
    try:
        return signal.Signals(exit_code - SIGNAL_BASE).name
    except ValueError:
        return ""
