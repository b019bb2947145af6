"""From a pool's row to the implementation of the port that serves it. One instance a pool and process."""

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from jobs.cluster.base import Cluster, ClusterStreams
from jobs.cluster.errors import Unavailable
from jobs.models import ResourcePool

if TYPE_CHECKING:
    from jobs.cluster.local.cluster import LocalCluster
    from jobs.cluster.local.streams import LocalStreams


def cluster_for(pool: ResourcePool) -> Cluster:
    """Raises Unavailable when this installation cannot reach pools of that kind."""
    require_local(pool)
    return local_cluster()


def streams_for(pool: ResourcePool) -> ClusterStreams:
    """Raises Unavailable when this installation cannot reach pools of that kind."""
    require_local(pool)
    return local_streams()


def require_local(pool: ResourcePool) -> None:
    if pool.kind != ResourcePool.LOCAL:
        raise Unavailable(f"pools of kind {pool.kind} are not supported yet")
    if not settings.LOCAL_POOL_ENABLED:
        raise Unavailable("the local pool is switched off here (LOCAL_POOL_ENABLED)")


@cache
def local_cluster() -> "LocalCluster":
    from jobs.cluster.local.cluster import LocalCluster
    from jobs_platform.runtime import hint_socket

    return LocalCluster(
        pool_dir=settings.LOCAL_POOL_DIR,
        log_dir=settings.LOG_DIR,
        work_dir=settings.WORK_DIR,
        hint_socket=hint_socket(settings.DATA_DIR),
        max_log_bytes=settings.LOG_MAX_BYTES_PER_POD,
    )


@cache
def local_streams() -> "LocalStreams":
    from jobs.cluster.local.streams import LocalStreams
    from jobs_platform.runtime import hint_socket

    return LocalStreams(pool_dir=settings.LOCAL_POOL_DIR, hint_socket=hint_socket(settings.DATA_DIR))
