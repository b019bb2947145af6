"""From a pool's row to the implementation of the port that serves it. One instance a pool and process."""

import json
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from jobs.cluster.base import Cluster, ClusterStreams
from jobs.cluster.errors import Unavailable
from jobs.models import ResourcePool

if TYPE_CHECKING:
    from jobs.cluster.kubernetes.cluster import KubernetesCluster
    from jobs.cluster.kubernetes.connection import Access
    from jobs.cluster.kubernetes.streams import KubernetesStreams
    from jobs.cluster.local.cluster import LocalCluster
    from jobs.cluster.local.streams import LocalStreams


def cluster_for(pool: ResourcePool) -> Cluster:
    """Raises Unavailable when this installation cannot reach the pool: it is switched off here, or its options or its
    credentials cannot be used."""
    if pool.kind == ResourcePool.KUBERNETES:
        return kubernetes_cluster(as_text(pool))
    require_local()
    return local_cluster()


def streams_for(pool: ResourcePool) -> ClusterStreams:
    """Raises Unavailable as cluster_for() does."""
    if pool.kind == ResourcePool.KUBERNETES:
        return kubernetes_streams(as_text(pool))
    require_local()
    return local_streams()


def as_text(pool: ResourcePool) -> str:
    """What pools with equal options share an instance by: a changed pool gets a new one."""
    return json.dumps([pool.pk, pool.options], sort_keys=True)


@cache
def kubernetes_cluster(key: str) -> "KubernetesCluster":
    from jobs.cluster.kubernetes.cluster import KubernetesCluster

    return KubernetesCluster(access(key))


@cache
def kubernetes_streams(key: str) -> "KubernetesStreams":
    from jobs.cluster.kubernetes.streams import KubernetesStreams

    return KubernetesStreams(access(key))


def access(key: str) -> "Access":
    from jobs.cluster.kubernetes.connection import Access
    from jobs.cluster.kubernetes.options import OptionsInvalid, parse

    try:
        options = parse(json.loads(key)[1])
    except OptionsInvalid as exc:
        raise Unavailable(f"the pool's options cannot be used: {exc}") from exc
    made = Access(
        options=options,
        kubeconfig_dir=settings.KUBECONFIG_DIR,
        connect_seconds=settings.KUBERNETES_CONNECT_SECONDS,
        read_seconds=settings.KUBERNETES_READ_SECONDS,
    )
    made.require()
    return made


def require_local() -> None:
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
        segment_bytes=settings.LOG_SEGMENT_BYTES,
    )


@cache
def local_streams() -> "LocalStreams":
    from jobs.cluster.local.streams import LocalStreams
    from jobs_platform.runtime import hint_socket

    return LocalStreams(pool_dir=settings.LOCAL_POOL_DIR, hint_socket=hint_socket(settings.DATA_DIR))
