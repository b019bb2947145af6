from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.options import PoolOptions
from tests.kube import ApiServer

Clusters = Callable[..., KubernetesCluster]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A double whose pods only seem to run, until they are told to finish."""
    with ApiServer(simulate=True) as server:
        yield server


@pytest.fixture
def clusters(server: ApiServer, tmp_path: Path) -> Clusters:
    """A pool on the double, with the options given."""
    path = server.kubeconfig(tmp_path / "pool.yaml")

    def make(*, read_seconds: float = 20.0, **options: Any) -> KubernetesCluster:
        pool = PoolOptions(kubeconfig=path.name, **options)
        return KubernetesCluster(Access(pool, tmp_path, connect_seconds=2.0, read_seconds=read_seconds))

    return make


@pytest.fixture
def cluster(clusters: Clusters) -> KubernetesCluster:
    return clusters()
