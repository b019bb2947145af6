"""Taking attempts down, and removing what is left of them.

Only what is the attempt's own goes: a Job by its uid as precondition, everything else by label and uid. A raw DELETE of
a Job without a propagation policy would orphan its pods (batch/v1), so each has one: foreground while pods may run, so
that the Job stays until they are gone and its absence is proof; background once all is over.
"""

import math

from jobs.cluster.base import ObjectRef
from jobs.cluster.errors import Conflict, NotFound
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.client import JOBS, METADATA, METADATA_LIST, PODS, SECRETS, SERVICES, Client
from jobs.cluster.kubernetes.labels import ATTEMPT, ref_of, selector
from jobs.cluster.kubernetes.lists import listed
from jobs.cluster.kubernetes.pod import LEAST_GRACE

DEFAULT_GRACE = 30  # core/v1 PodSpec
OVER = ("Succeeded", "Failed")


def delete(client: Client, ref: ObjectRef, grace_seconds: float) -> None:
    """The pods end with the grace of their own spec, or sooner where less is asked for here."""
    grace = max(LEAST_GRACE, math.ceil(grace_seconds))
    uid = ref.uid or found_uid(client, ref)
    if uid is None:
        end_pods(client, ref, grace)
        return
    try:
        answer = client.request("DELETE", JOBS, ref.name, body=options(uid, "Foreground"))
    except NotFound:
        end_pods(client, ref, grace)
    except Conflict:  # the name is another Job's: ours is gone
        return
    else:
        own = wire.decode(answer, wire.Job).spec.template.spec.termination_grace_period_seconds
        if grace < (DEFAULT_GRACE if own is None else own):
            end_pods(client, ObjectRef(ref.job_id, ref.attempt, uid), grace)


def forget(client: Client, ref: ObjectRef) -> None:
    """Its Secret and Service go with the Job, by their owner; without a Job they are looked for."""
    uid = ref.uid or found_uid(client, ref)
    if uid is None:
        remove_helpers(client, ref)
        return
    try:
        client.request("DELETE", JOBS, ref.name, body=options(uid, "Background"), accept=METADATA)
    except (NotFound, Conflict):
        return


def found_uid(client: Client, ref: ObjectRef) -> str | None:
    """Of the attempt's Job; None when there is none, or one that is not ours."""
    try:
        found = wire.decode(client.get(JOBS, ref.name, accept=METADATA), wire.Object).metadata
    except NotFound:
        return None
    return found.uid if ref_of(found.labels) == ref else None


def end_pods(client: Client, ref: ObjectRef, grace: int) -> None:
    """Those of the attempt that have longer to live than that."""
    for pod in listed(client, PODS, wire.Pod, of_attempt(ref)).items:
        if lives_longer(pod, ref.uid, grace):
            delete_quietly(client, PODS, pod.metadata, gracePeriodSeconds=grace)


def lives_longer(pod: wire.Pod, job_uid: str, grace: int) -> bool:
    owners = {owner.uid for owner in pod.metadata.owner_references}
    if pod.status.phase in OVER or (owners and job_uid and job_uid not in owners):
        return False
    told = pod.metadata.deletion_timestamp is not None
    return not told or (pod.metadata.deletion_grace_period_seconds or 0) > grace


def remove_helpers(client: Client, ref: ObjectRef) -> None:
    for kind in (SECRETS, SERVICES):
        for found in listed(client, kind, wire.Object, of_attempt(ref), accept=METADATA_LIST).items:
            delete_quietly(client, kind, found.metadata)


def delete_quietly(client: Client, kind: tuple[str, str], found: wire.Meta, **more: int) -> None:
    """Somebody else may have removed it, or put another in its place."""
    try:
        client.request("DELETE", kind, found.name, body={"preconditions": {"uid": found.uid}, **more}, accept=METADATA)
    except (NotFound, Conflict):
        return


def options(uid: str, propagation: str) -> dict[str, object]:
    """metav1 DeleteOptions."""
    return {"propagationPolicy": propagation, "preconditions": {"uid": uid}}


def of_attempt(ref: ObjectRef) -> str:
    return f"{selector([ref.job_id])},{ATTEMPT}={ref.attempt}"
