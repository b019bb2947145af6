"""Kueue's Workloads: why a suspended Job waits. Only for pools with a queue; without Kueue nothing here is called."""

import logging
from collections.abc import Sequence

import msgspec

from jobs.cluster.errors import ClusterError
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.client import Client
from jobs.cluster.kubernetes.lists import listed

logger = logging.getLogger(__name__)

GROUP = "/apis/kueue.x-k8s.io"
JOB_UID = "kueue.x-k8s.io/job-uid"  # Kueue's label on the Workload of a Job


class Version(msgspec.Struct):
    version: str


class Group(msgspec.Struct, rename="camel"):
    """metav1 APIGroup."""

    preferred_version: Version


class Workloads:
    """Remembers which version of its API the cluster's Kueue prefers, until that fails."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.version = ""

    def of(self, job_uids: Sequence[str]) -> dict[str, wire.Workload]:
        """By the Job's uid. What cannot be read is left out: the Jobs themselves are there."""
        try:
            version = self.version or self.discover()
            kind = f"{GROUP}/{version}", "workloads"
            found = listed(self.client, kind, wire.Workload, f"{JOB_UID} in ({','.join(job_uids)})")
        except ClusterError as exc:
            logger.info("Kueue's Workloads cannot be read: %s", exc)
            self.version = ""
            return {}
        self.version = version
        return {uid: one for one in found.items if (uid := one.metadata.labels.get(JOB_UID, "")) in job_uids}

    def discover(self) -> str:
        return wire.decode(self.client.ask("GET", GROUP), Group).preferred_version.version
