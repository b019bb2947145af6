"""Why pods ended as they did: from snapshots to an EndReason and the parameters of its sentence. Pure."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.cluster.base import PodReason, PodSnapshot
from jobs.states import EndReason

REASONS = {
    PodReason.OOM_KILLED: EndReason.OUT_OF_MEMORY,
    PodReason.EVICTED: EndReason.PREEMPTED,
    PodReason.PREEMPTED: EndReason.PREEMPTED,
    PodReason.NODE_LOST: EndReason.NODE_LOST,
    PodReason.LOST: EndReason.LOST,
}
# What explains the most comes first: a replica that lost its machine takes its peers down with connection errors.
WEIGHT = [
    EndReason.NODE_LOST,
    EndReason.PREEMPTED,
    EndReason.OUT_OF_MEMORY,
    EndReason.COMMAND_FAILED,
    EndReason.LOST,
]
SIGNAL_BASE = 128


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an attempt ends, with the parameters of jobs.wording's sentence."""

    reason: EndReason
    params: dict[str, Any] = field(default_factory=dict)


def diagnose(pods: Sequence[PodSnapshot]) -> Ending | None:
    """The ending that the failed pods among these tell of; None when none failed by itself."""
    failed = [pod for pod in pods if pod.is_over and pod.reason not in (PodReason.COMPLETED, PodReason.STOPPED)]
    if not failed:
        return None
    pod = min(failed, key=lambda one: (WEIGHT.index(end_reason(one)), finished(one), one.ref.replica))
    return Ending(end_reason(pod), params_of(pod))


def end_reason(pod: PodSnapshot) -> EndReason:
    return REASONS.get(pod.reason, EndReason.COMMAND_FAILED)


def finished(pod: PodSnapshot) -> float:
    return pod.finished_at.timestamp() if pod.finished_at else 0.0


def params_of(pod: PodSnapshot) -> dict[str, Any]:
    params: dict[str, Any] = {"pod": pod.ref.name, "detail": pod.message}
    if pod.exit_code is not None:
        params["exitCode"] = pod.exit_code
    if pod.reason is PodReason.START_ERROR:
        params["variant"] = "start"
    elif pod.exit_code is not None and (name := signal_name(pod.exit_code)):
        params |= {"variant": "signal", "signal": name}
    return params


def signal_name(exit_code: int) -> str:
    """SIGKILL for 137; empty for codes that tell of no signal."""
    try:
        return signal.Signals(exit_code - SIGNAL_BASE).name
    except ValueError:
        return ""
