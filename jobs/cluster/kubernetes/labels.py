"""The labels and annotations by which the platform finds its own objects in a namespace. Pure."""

from collections.abc import Iterable, Mapping

from jobs.cluster.base import ObjectRef
from jobs.identifiers import JOB_ID

MANAGED_BY = "app.kubernetes.io/managed-by"
PLATFORM = "jobs-platform"
JOB = "jobs-platform/job-id"
ATTEMPT = "jobs-platform/attempt"
SPEC_HASH = "jobs-platform/spec-hash"  # an annotation: it is compared, never selected by
OURS = f"{MANAGED_BY}={PLATFORM}"
# Set by the Job controller on each pod of an Indexed Job, as label since Kubernetes 1.28.
REPLICA = "batch.kubernetes.io/job-completion-index"
KUEUE_QUEUE = "kueue.x-k8s.io/queue-name"


def labels_of(ref: ObjectRef) -> dict[str, str]:
    """For every object of the attempt: its Job, pods, Service and Secret."""
    return {MANAGED_BY: PLATFORM, JOB: ref.job_id, ATTEMPT: str(ref.attempt)}


def selector(job_ids: Iterable[str]) -> str:
    """Of everything that belongs to these jobs, all attempts."""
    return f"{OURS},{JOB} in ({','.join(sorted(set(job_ids)))})"


def ref_of(labels: Mapping[str, str], uid: str = "") -> ObjectRef | None:
    """The attempt that an object with these labels belongs to; None when they are not the platform's."""
    job_id, attempt = labels.get(JOB, ""), labels.get(ATTEMPT, "")
    if labels.get(MANAGED_BY) != PLATFORM or not JOB_ID.fullmatch(job_id):
        return None
    if not (attempt.isascii() and attempt.isdecimal() and attempt[0] != "0" and len(attempt) <= 6):
        return None
    return ObjectRef(job_id, int(attempt), uid)
