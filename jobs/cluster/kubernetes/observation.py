"""What is there of attempts, read live: one list of Jobs and one of pods for many of them.

Stateless. The Jobs are read before the pods: a Job that was final then has no pod later that it had not then. Absent
comes only from a complete list without the Job, of whose pods none runs; any error makes the attempts Unknown.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from jobs.cluster.base import Absent, AttemptSnapshot, Notice, ObjectRef, Observation, Present, Unknown
from jobs.cluster.errors import ClusterError
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.client import EVENTS, JOBS, PODS, Client
from jobs.cluster.kubernetes.kueue import Workloads
from jobs.cluster.kubernetes.labels import ref_of, selector
from jobs.cluster.kubernetes.lists import Listing, listed
from jobs.cluster.kubernetes.notices import notice
from jobs.cluster.kubernetes.pod_states import conditions
from jobs.cluster.kubernetes.snapshots import attempt_snapshot, is_final, leftover_snapshot

logger = logging.getLogger(__name__)

CHUNK = 200  # job ids in one selector: an address of 5 kB, where proxies allow 8
EXPLAINED = 10  # attempts whose events are read in one call
EVENTS_EACH = 50
PODS_COME_IN = timedelta(seconds=3)  # from the Job's creation, as a rule
PREPARED_IN = timedelta(seconds=10)
PREPARING = "ContainerCreating"  # the kubelet's word while it mounts volumes, makes the sandbox and pulls the image


@dataclass(slots=True)
class Sight:
    """What one pair of lists shows, by attempt (the refs have no uid)."""

    jobs: dict[ObjectRef, wire.Job] = field(default_factory=dict)
    pods: dict[ObjectRef, list[wire.Pod]] = field(default_factory=lambda: defaultdict(list))
    broken: set[ObjectRef] = field(default_factory=set)


def observe(client: Client, workloads: Workloads | None, refs: Sequence[ObjectRef]) -> Mapping[ObjectRef, Observation]:
    """`workloads` is None in a pool without Kueue. Once nothing can be seen, the rest is not asked for."""
    seen: dict[ObjectRef, Observation] = {}
    for start in range(0, len(refs), CHUNK):
        part = refs[start : start + CHUNK]
        try:
            sight = look(client, part)
        except ClusterError as exc:
            return seen | dict.fromkeys(refs[start:], Unknown(str(exc)))
        seen |= {ref: judge(sight, ref) for ref in part}
        tell_why_nothing_runs(client, sight, seen)
        tell_admission(workloads, seen)
    return seen


def look(client: Client, refs: Sequence[ObjectRef]) -> Sight:
    sight = Sight()
    chosen = selector(ref.job_id for ref in refs)
    jobs = listed(client, JOBS, wire.Job, chosen)
    pods = listed(client, PODS, wire.Pod, chosen)
    for job in jobs.items:
        ref = ref_of(job.metadata.labels)
        if ref is not None and ref.name == job.metadata.name:
            sight.jobs[ref] = job
    for pod in pods.items:
        if ref := ref_of(pod.metadata.labels):
            sight.pods[ref].append(pod)
    sight.broken |= unreadable(jobs) | unreadable(pods)
    return sight


def unreadable(found: Listing[wire.Job] | Listing[wire.Pod]) -> set[ObjectRef]:
    return {ref for meta in found.broken if (ref := ref_of(meta.labels))}


def judge(sight: Sight, ref: ObjectRef) -> Observation:
    plain = replace(ref, uid="")
    if plain in sight.broken:
        return Unknown(f"an object of {ref.name} cannot be read")
    try:
        snapshot = snapshot_of(sight.jobs.get(plain), sight.pods.get(plain, ()), ref)
    except Exception as exc:  # one odd object must not blind the platform for all the others
        logger.exception("%s could not be made out", ref.name)
        return Unknown(f"an object of {ref.name} could not be made out: {type(exc).__name__}")
    return Absent() if snapshot is None else Present(snapshot)


def snapshot_of(job: wire.Job | None, pods: Iterable[wire.Pod], ref: ObjectRef) -> AttemptSnapshot | None:
    if job is None or (ref.uid and job.metadata.uid != ref.uid):
        return leftover_snapshot(ref, pods)
    return attempt_snapshot(job, pods)


def tell_why_nothing_runs(client: Client, sight: Sight, seen: dict[ObjectRef, Observation]) -> None:
    """A pod over quota or against pod security is never made, and one whose volume cannot be mounted waits without a
    word: only events say why. What cannot be read of them is left out."""
    left = EXPLAINED
    for ref, observation in list(seen.items()):
        job = sight.jobs.get(replace(ref, uid=""))
        if not left or job is None or not isinstance(observation, Present):
            continue
        if uid := unexplained(job, observation.snapshot):
            left -= 1
            seen[ref] = Present(replace(observation.snapshot, notices=notices_of(client, uid)))


def unexplained(job: wire.Job, snapshot: AttemptSnapshot) -> str:
    """The uid of what has the events that explain an attempt: the Job when pods are missing, else a pod that has been
    prepared for long; empty when there is nothing to explain."""
    made = job.metadata.creation_timestamp
    if snapshot.suspended or snapshot.going_down or is_final(job) or made is None:
        return ""
    age = datetime.now(UTC) - made
    if len(snapshot.pods) < snapshot.replicas:
        return job.metadata.uid if age >= PODS_COME_IN else ""
    prepared = (pod.ref.uid for pod in snapshot.pods if pod.waiting_reason == PREPARING)
    return next(prepared, "") if age >= PREPARED_IN else ""


def notices_of(client: Client, uid: str) -> tuple[Notice, ...]:
    query = [("fieldSelector", f"involvedObject.uid={uid}"), ("limit", str(EVENTS_EACH))]
    try:
        events = wire.decode(client.get(EVENTS, query=query), wire.List[wire.Event])
    except ClusterError as exc:
        logger.info("The events of %s cannot be read: %s", uid, exc)
        return ()
    found = [told[1] for event in events.items if (told := notice(event))]
    return tuple(sorted(found, key=lambda one: one.at))


def tell_admission(workloads: Workloads | None, seen: dict[ObjectRef, Observation]) -> None:
    waiting = {
        one.snapshot.ref.uid: ref for ref, one in seen.items() if isinstance(one, Present) and one.snapshot.suspended
    }
    if workloads is None or not waiting:
        return
    for uid, workload in workloads.of(sorted(waiting)).items():
        one = seen[waiting[uid]]
        assert isinstance(one, Present)
        seen[waiting[uid]] = Present(replace(one.snapshot, admission=conditions(workload.status.conditions)))
