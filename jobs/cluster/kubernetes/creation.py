"""Starting an attempt, once: Secret and Service, then the Job, then both made the Job's own.

Several workers may come here for one attempt, and each may die at any line: names are given, so the second try finds
what the first one made (409), adopts it when labels and spec hash say that it is this very attempt, and adds what is
missing. Nothing that is in the way is ever deleted. A Job that was there once is never made again by its adopter: one
that is being taken down is answered as it is, and its observation tells the rest.
"""

import base64
import logging

from jobs.cluster.base import AttemptSpec, ObjectRef
from jobs.cluster.errors import ClusterError, Conflict, Forbidden, Invalid, NotFound, Unavailable
from jobs.cluster.kubernetes import manifests, wire
from jobs.cluster.kubernetes.client import JOBS, MERGE_PATCH, METADATA, SECRETS, SERVICES, Client
from jobs.cluster.kubernetes.labels import SPEC_HASH, ref_of
from jobs.cluster.kubernetes.manifests import Manifest
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.removal import remove_helpers

logger = logging.getLogger(__name__)

STRICT = (("fieldValidation", "Strict"),)  # a field that the cluster does not know would be dropped with a warning


def create(client: Client, options: PoolOptions, spec: AttemptSpec) -> ObjectRef:
    """1. the Secret and the Service 2. the Job 3. its uid as their owner. Raises as Cluster.create_attempt()."""
    helpers = [
        (kind, manifest)
        for kind, manifest in ((SECRETS, manifests.secret(spec)), (SERVICES, manifests.service(spec)))
        if manifest is not None
    ]
    try:
        owners = {kind: place(client, kind, manifest, spec) for kind, manifest in helpers}
        job = place_job(client, options, spec)
        for kind, uids in owners.items():
            if job.uid not in uids:
                own(client, kind, job)
    except Invalid:
        discard(client, spec.ref)
        raise
    except NotFound as exc:  # the namespace, or what was just there: neither is final
        raise Unavailable(str(exc)) from exc
    return ObjectRef(spec.ref.job_id, spec.ref.attempt, job.uid)


def place(client: Client, kind: tuple[str, str], manifest: Manifest, spec: AttemptSpec) -> set[str]:
    """The uids of its owners: none when it was made just now."""
    try:
        client.request("POST", kind, body=manifest, accept=METADATA)
    except Conflict:
        found = wire.decode(client.get(kind, spec.ref.name, accept=METADATA), wire.Object).metadata
        require_ours(found, kind, spec)
        return {owner.uid for owner in found.owner_references}
    except ClusterError as exc:
        raise type(exc)(without_secrets(str(exc), spec)) from None
    return set()


def place_job(client: Client, options: PoolOptions, spec: AttemptSpec) -> wire.Meta:
    try:
        body = client.request("POST", JOBS, body=manifests.job(spec, options), query=STRICT, accept=METADATA)
        return wire.decode(body, wire.Object).metadata
    except Conflict:
        found = wire.decode(client.get(JOBS, spec.ref.name, accept=METADATA), wire.Object).metadata
    require_ours(found, JOBS, spec)
    if found.annotations.get(SPEC_HASH) != spec.spec_hash:
        raise Conflict(f"the Job {spec.ref.name} was made from another spec")
    return found


def require_ours(found: wire.Meta, kind: tuple[str, str], spec: AttemptSpec) -> None:
    if ref_of(found.labels) != ObjectRef(spec.ref.job_id, spec.ref.attempt):
        raise Conflict(f"the name {spec.ref.name} is taken: {kind[1]} of that name is not the platform's")


def own(client: Client, kind: tuple[str, str], job: wire.Meta) -> None:
    """Without it the attempt runs all the same; the sweep removes what its Job left behind."""
    try:
        patch = manifests.owned_by(job.name, job.uid)
        client.request("PATCH", kind, job.name, body=patch, content_type=MERGE_PATCH, accept=METADATA)
    except (Forbidden, Invalid) as exc:
        logger.warning("The Job %s could not be made the owner of its %s: %s", job.name, kind[1], exc)


def discard(client: Client, ref: ObjectRef) -> None:
    """The attempt will never be: nor shall its helpers. The sweep comes for what is left."""
    try:
        remove_helpers(client, ref)
    except ClusterError as exc:
        logger.info("What was made for %s is not removed yet: %s", ref.name, exc)


def without_secrets(text: str, spec: AttemptSpec) -> str:
    """A refusal may quote what it refuses."""
    for _name, value in spec.secret_envs:
        for shown in (value, base64.b64encode(value.encode()).decode()):
            if shown:
                text = text.replace(shown, "***")
    return text
