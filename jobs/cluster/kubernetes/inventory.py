"""Every attempt of the platform in the pool's namespace, metadata only."""

import logging

from jobs.cluster.base import ObjectRef
from jobs.cluster.errors import Forbidden
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.client import JOBS, METADATA_LIST, SECRETS, SERVICES, Client
from jobs.cluster.kubernetes.labels import OURS, ref_of
from jobs.cluster.kubernetes.lists import listed

logger = logging.getLogger(__name__)


def attempts(client: Client) -> list[ObjectRef]:
    """With the Job's uid. A Secret or a Service whose Job never came, or is gone, stands for its attempt without a uid:
    they are read first, so that one that is just being started has its Job."""
    helpers = {ref for kind in (SECRETS, SERVICES) for ref in helpers_of(client, kind)}
    jobs = [
        ref
        for one in listed(client, JOBS, wire.Object, OURS, accept=METADATA_LIST).items
        if (ref := ref_of(one.metadata.labels, one.metadata.uid)) and ref.name == one.metadata.name
    ]
    names = {ref.name for ref in jobs}
    return jobs + sorted((ref for ref in helpers if ref.name not in names), key=lambda ref: ref.name)


def helpers_of(client: Client, kind: tuple[str, str]) -> list[ObjectRef]:
    try:
        found = listed(client, kind, wire.Object, OURS, accept=METADATA_LIST).items
    except Forbidden as exc:
        logger.warning("What attempts left behind cannot be looked for: %s", exc)
        return []
    return [ref for one in found if (ref := ref_of(one.metadata.labels))]
