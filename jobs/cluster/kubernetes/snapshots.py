"""A Job and its pods → AttemptSnapshot. Pure; for the worker's reads and for the agent's watch.

Who told a pod to end: when a pod of a backoffLimit 0 Job fails, or the Job passes its deadline, the Job controller
deletes the others, and they must not be taken for the cause. Deletions from the Job's failure on are its doing;
earlier ones are somebody else's. The platform takes a Job down with foreground propagation, which leaves that finalizer
on it while its pods end; kubectl and the garbage collector of a namespace do not.

Conditions come in pairs; only Complete and Failed are final (FailureTarget and SuccessCriteriaMet come before, while
pods may still be ending).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from jobs.cluster.base import AttemptSnapshot, ObjectRef, PodPhase, PodReason, PodRef, PodSnapshot
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.labels import ref_of
from jobs.cluster.kubernetes.pod_states import conditions, finished_at, interrupted, pod_ref, pod_snapshot, told_at

FOREGROUND = "foregroundDeletion"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_SIGNS = ("FailureTarget", "Failed")


def attempt_snapshot(job: wire.Job, pods: Iterable[wire.Pod]) -> AttemptSnapshot | None:
    """None when the Job is not one of the platform's. `pods` may contain others' pods, and older ones of an index."""
    ref = ref_of(job.metadata.labels, job.metadata.uid)
    if ref is None:
        return None
    replicas = replicas_of(job)
    mine = [pod for pod in newest(pods, job.metadata.uid) if not is_past(job, pod)]
    seen = [pod for pod in states(job, mine) if pod.ref.replica < replicas]
    if is_final(job) and not job.status.terminating:
        seen += unseen(job, ref, seen, replicas)
    return AttemptSnapshot(
        ref=ref,
        replicas=replicas,
        pods=tuple(sorted(with_a_cause(job, seen), key=lambda pod: pod.ref.replica)),
        conditions=conditions(job.status.conditions),
        suspended=bool(job.spec.suspend),
        ends_peers=True,
        going_down=job.metadata.deletion_timestamp is not None,
    )


def pod_of(pod: wire.Pod, job: wire.Job | None) -> PodSnapshot | None:
    """One pod by itself, as a watch shows it. Where several replicas make it uncertain who told it to end, it is not
    held against the pod: the attempt's snapshot tells."""
    since = failed_since(job) if job else None
    alone = job is not None and replicas_of(job) == 1
    return pod_snapshot(pod, told_by(job, pod, since) if since or alone else PodReason.STOPPED)


def leftover_snapshot(ref: ObjectRef, pods: Iterable[wire.Pod]) -> AttemptSnapshot | None:
    """Of pods that outlive their Job, which somebody deleted with or without them: None once none of them runs."""
    mine = newest(pods, ref.uid)
    seen = [state for pod in mine if (state := pod_snapshot(pod, PodReason.DELETED))]
    if all(pod.is_over for pod in seen):
        return None
    replicas = max(pod.ref.replica for pod in seen) + 1
    going_down = all(pod.terminating or pod.is_over for pod in seen)
    return AttemptSnapshot(ref=ref, replicas=replicas, pods=tuple(seen), going_down=going_down)


def replicas_of(job: wire.Job) -> int:
    return job.spec.completions or job.spec.parallelism or 1


def newest(pods: Iterable[wire.Pod], job_uid: str) -> list[wire.Pod]:
    """One pod an index: a Job that was suspended and resumed has new ones. Pods of another Job are left out; one that
    was orphaned has no owner any more."""
    found: dict[PodRef, wire.Pod] = {}
    for pod in sorted(pods, key=lambda pod: (pod.metadata.creation_timestamp or LONG_AGO, pod.metadata.uid)):
        owners = [owner.uid for owner in pod.metadata.owner_references if owner.kind == "Job"]
        ref = pod_ref(pod)
        if ref is not None and (not owners or not job_uid or job_uid in owners):
            found[replace(ref, uid="")] = pod
    return list(found.values())


def is_past(job: wire.Job, pod: wire.Pod) -> bool:
    """The end of a pod that was deleted to suspend the Job is no end of the replica: it comes again."""
    return bool(job.spec.suspend) and interrupted(pod) and pod.status.phase in ("Succeeded", "Failed")


def states(job: wire.Job, pods: Sequence[wire.Pod]) -> list[PodSnapshot]:
    since = failed_since(job, pods)
    return [state for pod in pods if (state := pod_snapshot(pod, told_by(job, pod, since)))]


def failed_since(job: wire.Job, pods: Iterable[wire.Pod] = ()) -> datetime | None:
    """When the Job began to fail: by its condition, or, before it has one, by the first pod that failed by itself."""
    times = [one.last_transition_time for one in job.status.conditions if one.type in FIRST_SIGNS and is_true(one)]
    for pod in pods:
        if pod.status.phase == "Failed" and not interrupted(pod):
            times.append(finished_at(pod))
    return min((time for time in times if time), default=None)


def told_by(job: wire.Job | None, pod: wire.Pod, since: datetime | None) -> PodReason:
    """The reason for a pod that was told to end, by who told it. Without the Job nothing can be held against it."""
    if job is None or FOREGROUND in job.metadata.finalizers or job.spec.suspend:
        return PodReason.STOPPED
    told = told_at(pod)
    if since is None or told is None or told < since:
        return PodReason.DELETED
    return PodReason.DEADLINE if failure(job) == "DeadlineExceeded" else PodReason.STOPPED


def unseen(job: wire.Job, ref: ObjectRef, seen: Sequence[PodSnapshot], replicas: int) -> list[PodSnapshot]:
    """Replicas of a Job that is final whose pods are gone: nothing of them runs, or ever will."""
    there, completed = {pod.ref.replica for pod in seen}, indexes(job.status.completed_indexes)
    made = []
    for replica in range(replicas):
        if replica in there:
            continue
        pod = PodRef(ref.job_id, ref.attempt, replica)
        if replica in completed:
            made.append(PodSnapshot(pod, PodPhase.SUCCEEDED, exit_code=0, reason=PodReason.COMPLETED))
        else:
            late = failure(job) == "DeadlineExceeded"
            made.append(PodSnapshot(pod, PodPhase.FAILED, reason=PodReason.DEADLINE if late else PodReason.STOPPED))
    return made


def with_a_cause(job: wire.Job, pods: list[PodSnapshot]) -> list[PodSnapshot]:
    """A failing Job that nobody takes down has a cause. When all of its pods are known and none is one, a pod was
    deleted: the first to end, and where that cannot be told, all that were not seen to end."""
    if failed_since(job) is None or FOREGROUND in job.metadata.finalizers or len(pods) < replicas_of(job):
        return pods
    if any(is_cause(pod) for pod in pods):
        return pods
    stopped = [pod for pod in pods if pod.reason is PodReason.STOPPED]
    unknown = [pod for pod in stopped if pod.finished_at is None]
    guilty = unknown or sorted(stopped, key=lambda pod: (pod.finished_at or LONG_AGO, pod.ref.replica))[:1]
    return [replace(pod, reason=PodReason.DELETED) if pod in guilty else pod for pod in pods]


def is_cause(pod: PodSnapshot) -> bool:
    return pod.phase is PodPhase.FAILED and pod.reason is not PodReason.STOPPED


def is_final(job: wire.Job) -> bool:
    return any(one.type in ("Complete", "Failed") and is_true(one) for one in job.status.conditions)


def failure(job: wire.Job) -> str:
    """The reason of its Failed condition; "" when it has not failed."""
    return next((one.reason or "Failed" for one in job.status.conditions if one.type == "Failed" and is_true(one)), "")


def is_true(condition: wire.Condition) -> bool:
    return condition.status == "True"


def indexes(text: str) -> set[int]:
    """{0, 2, 3, 4} for "0,2-4" (JobStatus.completedIndexes)."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            found.update(range(int(first), int(last or first) + 1))
    return found
