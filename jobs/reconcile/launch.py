"""Starting attempts on their cluster. Outside any transaction; safe to repeat: create_attempt never starts one
twice."""

import logging

from jobs.cluster.base import Cluster
from jobs.cluster.diagnosis import Ending
from jobs.cluster.errors import ClusterError, Conflict, Invalid
from jobs.models import Attempt, Job
from jobs.reconcile.decide import BLIND_SECONDS, Decision, Transition
from jobs.reconcile.specs import attempt_spec, spec_hash
from jobs.states import EndReason, JobStatus

logger = logging.getLogger(__name__)


def launch(cluster: Cluster, job: Job, attempt: Attempt) -> Decision | None:
    """None when the attempt was started (or had been before); else what to do instead."""
    try:
        ref = cluster.create_attempt(attempt_spec(job, attempt))
    except (Invalid, Conflict) as exc:
        logger.warning("%s-%s was refused: %s", job.public_id, attempt.number, exc)
        ending = Ending(EndReason.REJECTED, {"detail": str(exc)})
        return Decision(
            transition=Transition(JobStatus.FAILED, ending.reason.value, ending.params), ended=ending, check_in=None
        )
    except ClusterError as exc:
        logger.warning("%s-%s could not be started yet: %s", job.public_id, attempt.number, exc)
        return Decision(explain=("PoolUnavailable", {"error": str(exc)}), check_in=BLIND_SECONDS)
    attempt.cluster_uid, attempt.spec_hash = ref.uid, spec_hash(job)
    return None
