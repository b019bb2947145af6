"""Snapshots to diagnose, in few words."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.cluster.base import (
    AttemptSnapshot,
    Condition,
    Notice,
    ObjectRef,
    PodPhase,
    PodReason,
    PodRef,
    PodSnapshot,
)

JOB = "job-0000000000000001"
START = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)


def pod(replica: int = 0, **fields: Any) -> PodSnapshot:
    fields.setdefault("phase", PodPhase.PENDING)
    return PodSnapshot(ref=PodRef(JOB, 1, replica, f"uid-{replica}"), **fields)


def waiting(reason: str, message: str = "", replica: int = 0, **fields: Any) -> PodSnapshot:
    return pod(replica, waiting_reason=reason, waiting_message=message, node="node-1", **fields)


def unscheduled(message: str, replica: int = 0) -> PodSnapshot:
    return pod(replica, conditions=(Condition("PodScheduled", False, "Unschedulable", message),))


def failed(
    reason: PodReason = PodReason.ERROR, replica: int = 0, *, second: float | None = 0, **fields: Any
) -> PodSnapshot:
    fields.setdefault("exit_code", None if reason in (PodReason.DELETED, PodReason.LOST) else 1)
    finished_at = None if second is None else START + timedelta(seconds=second)
    return pod(replica, phase=PodPhase.FAILED, reason=reason, finished_at=finished_at, **fields)


def notice(reason: str, message: str, *, second: float = 0, replica: int | None = None) -> Notice:
    at = START + timedelta(seconds=second)
    return Notice(object_uid="u", reason=reason, message=message, at=at, first_at=at, warning=True, replica=replica)


def attempt(*pods: PodSnapshot, replicas: int = 0, **fields: Any) -> AttemptSnapshot:
    return AttemptSnapshot(ref=ObjectRef(JOB, 1, "uid"), replicas=replicas or len(pods) or 1, pods=pods, **fields)
