"""Why Kueue holds an attempt back: from the conditions of its Workload. Pure.

Types and reasons are those of kueue.x-k8s.io (apis/kueue/v1beta1/workload_types.go): QuotaReserved (False: Pending or
Inadmissible, with the queue's words), Admitted (False while admission checks run), Evicted and Preempted.
"""

import re
from typing import Any

from jobs.cluster.base import AttemptSnapshot, Condition
from jobs.cluster.diagnosis.excerpt import READ, excerpt
from jobs.cluster.diagnosis.findings import Asked, Ending, Finding
from jobs.states import EndReason

MOST = re.compile(r"> maximum capacity \((\S+?)\)|ExceedsMaxQuota")
SHORT = re.compile(r"insufficient (?:unused )?quota for (\S+?),? in flavor (\S+?),(?: (\S+) more needed)?")
NO_QUEUE = re.compile(r"(?:LocalQueue|ClusterQueue) (\S+ )?(doesn't exist|does not exist|is inactive|not found)", re.I)


def kueue_finding(snapshot: AttemptSnapshot, asked: Asked) -> Finding | None:
    """None when the attempt is not suspended: without Kueue, none is."""
    if not snapshot.suspended:
        return None
    states = {one.type: one for one in snapshot.admission}
    reserved, evicted = states.get("QuotaReserved"), states.get("Evicted")
    told: dict[str, Any] = {"queue": asked.kueue_queue} if asked.kueue_queue else {}
    if reserved and reserved.status:
        return Finding("KueueWaiting", told | {"variant": "checks", "detail": words(states.get("Admitted"))})
    if reserved and reserved.message:
        return Finding("KueueWaiting", told | pending_params(reserved))
    if evicted and evicted.status:
        return Finding("KueueWaiting", told | {"variant": "evicted", "detail": words(evicted)})
    return Finding("KueueWaiting", told | ({} if states else {"variant": "unseen"}))


def pending_params(reserved: Condition) -> dict[str, Any]:
    message = reserved.message[:READ]
    params: dict[str, Any] = {"detail": excerpt(message)}
    if NO_QUEUE.search(message):
        return params | {"variant": "queue"}
    if short := SHORT.search(message):
        params |= {"resource": excerpt(short[1]), "flavor": excerpt(short[2])}
        params |= {"missing": excerpt(short[3])} if short[3] else {}
    if MOST.search(f"{reserved.reason} {message}"):
        return params | {"variant": "most"}
    return params | ({"variant": "short"} if short else {})


def evicted_by_queue(snapshot: AttemptSnapshot) -> Ending | None:
    """What Kueue took back after it had let it run: it is suspended again and its pods are ended."""
    evicted = [one for one in snapshot.admission if one.type in ("Preempted", "Evicted") and one.status]
    if not snapshot.suspended or not evicted:
        return None
    return Ending(EndReason.PREEMPTED, {"variant": "kueue", "pod": "", "detail": words(evicted[0])})


def words(condition: Condition | None) -> str:
    return excerpt(condition.message) if condition else ""
