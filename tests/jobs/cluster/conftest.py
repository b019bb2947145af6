import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.cluster.kubernetes_world import KubernetesWorld, double_world, real_world
from tests.jobs.cluster.worlds import LocalWorld, World
from tests.kube import ApiServer

WORLDS = ["local", "double"]
if "CLUSTER_KUBECONFIG" in os.environ:
    WORLDS.append(pytest.param("real", marks=pytest.mark.cluster))  # type: ignore[arg-type]


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalWorld]:
    world = LocalWorld(tmp_path)
    yield world
    world.end_all()


@pytest.fixture
def double(tmp_path: Path) -> Iterator[KubernetesWorld]:
    """The double of an API server, whose pods are processes of this machine."""
    with ApiServer() as server:
        world = double_world(server, tmp_path)
        yield world
        world.end_all()


@pytest.fixture
def real() -> Iterator[KubernetesWorld]:
    """The cluster that CLUSTER_KUBECONFIG, CLUSTER_CONTEXT and CLUSTER_NAMESPACE name. What a test makes there is
    labelled as any job's, and removed also when the test fails."""
    world = real_world()
    try:
        yield world
    finally:
        world.end_all()


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    """Each implementation of the port: its fixture's name."""
    made: World = request.getfixturevalue(request.param)
    return made
