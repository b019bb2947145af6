"""Whether a pool can be used as it is set up, for `manage.py check_pool` and the admin."""

from jobs import pool_findings
from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes.facts import Facts
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.clusters import access, as_text
from jobs.findings import Finding
from jobs.models import ResourcePool


def check(pool: ResourcePool) -> list[Finding]:
    """Of a pool of kind kubernetes. Asks its cluster, within a few of its time limits at most."""
    from jobs.cluster.kubernetes.check import ask

    try:
        found = access(as_text(pool))
    except Unavailable as exc:
        return pool_findings.findings(Facts(namespace="", failure=str(exc)), PoolOptions())
    return pool_findings.findings(ask(found), found.options)
