"""Objects as an API server writes them, decoded as the platform reads them."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.cluster.base import ObjectRef
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.labels import REPLICA, labels_of

REF = ObjectRef("job-0123456789abcdef", 2)
UID = "0a1b2c3d-0000-4000-8000-000000000001"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
numbers = itertools.count(1)


def at(seconds: float) -> str:
    """As metav1.Time: whole seconds."""
    return (START + timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")


def when(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def condition(
    kind: str, reason: str = "", seconds: float = 0, value: str = "True", message: str = ""
) -> dict[str, str]:
    return {
        "type": kind,
        "status": value,
        "reason": reason,
        "message": message,
        "lastTransitionTime": at(seconds),
    }


def job(replicas: int = 1, *conditions: dict[str, str], meta: Any = None, spec: Any = None, **status: Any) -> wire.Job:
    body = {
        "metadata": {
            "name": REF.name,
            "uid": UID,
            "labels": labels_of(REF),
            "creationTimestamp": at(0),
            **(meta or {}),
        },
        "spec": {"completions": replicas, "parallelism": replicas, "suspend": False, **(spec or {})},
        "status": {"conditions": list(conditions), **status} if conditions or status else {},
    }
    return wire.decode(json.dumps(body).encode(), wire.Job)


def pod(
    replica: int = 0,
    phase: str = "Running",
    *,
    state: dict[str, Any] | None = None,
    told: float | None = None,
    grace: int = 30,
    created: float = 0,
    owner: str = UID,
    spec: Any = None,
    meta: Any = None,
    **status: Any,
) -> wire.Pod:
    """`told`: when its deletion was asked for, with which grace."""
    deletion = {} if told is None else {"deletionTimestamp": at(told + grace), "deletionGracePeriodSeconds": grace}
    statuses = {"containerStatuses": [{"name": "main", "state": state}]} if state is not None else {}
    body = {
        "metadata": {
            "name": f"{REF.name}-{replica}-{next(numbers):05}",
            "uid": f"pod-{replica}",
            "labels": labels_of(REF) | {REPLICA: str(replica)},
            "creationTimestamp": at(created),
            "ownerReferences": [{"kind": "Job", "name": REF.name, "uid": owner}] if owner else [],
            **deletion,
            **(meta or {}),
        },
        "spec": {"nodeName": "node-1", **(spec or {})},
        "status": {"phase": phase, **statuses, **status},
    }
    return wire.decode(json.dumps(body).encode(), wire.Pod)


def ended(code: int, reason: str = "", seconds: float = 10, began: float = 1, message: str = "") -> dict[str, Any]:
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason or ("Completed" if code == 0 else "Error"),
            "message": message,
            "startedAt": at(began),
            "finishedAt": at(seconds),
        }
    }


RUNS = {"running": {"startedAt": at(1)}}
