"""An attempt's whole life with the rights of deploy/kubernetes/rbac.yaml's Role alone."""

from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cluster.base import Absent, AttemptSpec, ObjectRef, Present
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.streams import KubernetesStreams
from jobs.identifiers import new_job_id
from tests.jobs.cluster.kubernetes.rights import ROLE
from tests.jobs.cluster.worlds import eventually
from tests.kube.server import ApiServer


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True) as server:
        yield server


@pytest.fixture
def access(server: ApiServer, tmp_path: Path) -> Access:
    server.kubeconfig(tmp_path / "training", token=server.add_token(rules=ROLE))
    options = PoolOptions(kubeconfig="training")
    return Access(options=options, kubeconfig_dir=tmp_path, connect_seconds=5.0, read_seconds=20.0)


@pytest.fixture
def spec() -> AttemptSpec:
    """With all three objects."""
    return AttemptSpec(
        ref=ObjectRef(new_job_id(), 1),
        image="python:3.12",
        command=("true",),
        replicas=2,
        secret_envs=(("TOKEN", "secret"),),
        spec_hash="hash",
    )


def test_it_is_started_once_seen_and_taken_down(server: ApiServer, access: Access, spec: AttemptSpec) -> None:
    cluster = KubernetesCluster(access)
    ref = cluster.create_attempt(spec)
    assert cluster.create_attempt(spec) == ref
    assert ref in cluster.list_attempts()
    assert server.get("secrets", ref.name)["metadata"]["ownerReferences"][0]["uid"] == ref.uid

    def runs() -> bool:
        seen = cluster.observe([ref])[ref]
        return isinstance(seen, Present) and seen.snapshot.all_running

    eventually(runs, "all replicas running")
    cluster.delete_attempt(ref, grace_seconds=1)
    eventually(lambda: isinstance(cluster.observe([ref])[ref], Absent), "its absence")
    eventually(lambda: not server.list("secrets") and not server.list("services"), "the end of what it owned")


def test_what_a_job_that_never_came_left_is_removed(server: ApiServer, access: Access, spec: AttemptSpec) -> None:
    cluster = KubernetesCluster(access)
    number = server.faults.drop(verb="create", resource="jobs")
    with pytest.raises(Exception, match="no answer"):
        cluster.create_attempt(spec)
    server.faults.remove(number)
    left = replace(spec.ref, uid="")
    assert left in cluster.list_attempts()
    cluster.forget_attempt(left)
    assert left not in cluster.list_attempts()


async def test_it_is_watched(access: Access, spec: AttemptSpec) -> None:
    KubernetesCluster(access).create_attempt(spec)
    streams = KubernetesStreams(access)
    async with aclosing(streams.watch()) as hints:
        async for hint in hints:
            if hint.job_id == spec.ref.job_id and hint.pod is not None:
                break
    await streams.client.aclose()
