"""Attempts are taken down with nothing left behind, and nothing of anybody else's (R9)."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.cluster.base import Absent, ObjectRef
from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.labels import JOB
from jobs.identifiers import new_job_id
from tests.jobs.cluster.kubernetes.conftest import Clusters
from tests.jobs.cluster.kubernetes.test_observation import pods_of, running, seen
from tests.jobs.cluster.worlds import eventually, spec
from tests.kube import ApiServer

EVERYTHING = ("jobs", "pods", "secrets", "services")


def left(server: ApiServer) -> list[str]:
    return [one["metadata"]["name"] for resource in EVERYTHING for one in server.list(resource)]


def nothing_left(server: ApiServer) -> None:
    eventually(lambda: not left(server), "the removal of everything")


def whole(cluster: KubernetesCluster, **fields: Any) -> ObjectRef:
    return running(cluster, replicas=2, secret_envs=(("TOKEN", "x"),), **fields)


def test_everything_of_it_goes(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = whole(cluster)
    cluster.delete_attempt(ref, grace_seconds=5)
    nothing_left(server)
    assert cluster.observe([ref]) == {ref: Absent()}


def test_the_job_stays_until_its_pods_are_gone(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = running(cluster)

    def keep(found: dict[str, Any]) -> None:
        found["metadata"].setdefault("finalizers", []).append("example.com/kept")

    def let_go(found: dict[str, Any]) -> None:
        found["metadata"]["finalizers"].remove("example.com/kept")

    name = pods_of(server, ref)[0]
    server.change("pods", name, keep)
    cluster.delete_attempt(ref, grace_seconds=5)
    assert seen(cluster, ref).going_down
    server.change("pods", name, let_go)
    eventually(lambda: cluster.observe([ref])[ref] == Absent(), "its absence")


def test_the_pods_have_no_more_grace_than_is_asked_for(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = running(cluster, grace_seconds=600)

    def keep(found: dict[str, Any]) -> None:
        found["metadata"].setdefault("finalizers", []).append("example.com/kept")

    server.change("pods", pods_of(server, ref)[0], keep)
    cluster.delete_attempt(ref, grace_seconds=2)
    assert server.get("pods", pods_of(server, ref)[0])["metadata"]["deletionGracePeriodSeconds"] <= 2


def test_no_pod_is_removed_before_its_node_has_ended_it(server: ApiServer, cluster: KubernetesCluster) -> None:
    """A grace of 0 would only remove the object."""
    ref = running(cluster)
    server.requests.clear()
    cluster.delete_attempt(ref, grace_seconds=0)
    nothing_left(server)
    assert "gracePeriodSeconds" not in str([one.query for one in server.requests.all(verb="delete")])


def test_without_its_uid_the_job_is_found_by_name(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = whole(cluster)
    cluster.delete_attempt(replace(ref, uid=""), grace_seconds=5)
    nothing_left(server)


def test_somebody_elses_job_of_that_name_is_left_alone(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = running(cluster)

    def take(found: dict[str, Any]) -> None:
        found["metadata"]["labels"][JOB] = "job-0000000000000000"

    server.change("jobs", ref.name, take)
    cluster.delete_attempt(replace(ref, uid=""), grace_seconds=5)
    cluster.forget_attempt(replace(ref, uid=""))
    assert "deletionTimestamp" not in server.get("jobs", ref.name)["metadata"]


@pytest.mark.parametrize("method", ["delete_attempt", "forget_attempt"])
def test_another_uid_is_nothing_to_do(server: ApiServer, cluster: KubernetesCluster, method: str) -> None:
    ref = running(cluster)
    other = replace(ref, uid="0" * 32)
    more = {"grace_seconds": 1} if method == "delete_attempt" else {}
    getattr(cluster, method)(other, **more)
    assert seen(cluster, ref).all_running
    assert not seen(cluster, ref).going_down


def test_what_was_never_there_is_gone(cluster: KubernetesCluster) -> None:
    for uid in ("", "0" * 32):
        ref = ObjectRef(new_job_id(), 1, uid)
        cluster.delete_attempt(ref, grace_seconds=5)
        cluster.forget_attempt(ref)


def test_a_delete_that_got_no_answer_is_repeated(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = whole(cluster)
    server.faults.drop_after(verb="delete", resource="jobs", count=1)
    with pytest.raises(Unavailable):
        cluster.delete_attempt(ref, grace_seconds=5)
    cluster.delete_attempt(ref, grace_seconds=5)
    nothing_left(server)


@pytest.mark.parametrize("status", [403, 429, 500, 504])
def test_a_refusal_is_for_now(server: ApiServer, cluster: KubernetesCluster, status: int) -> None:
    ref = running(cluster)
    server.faults.answer(status, message="not now")
    for ask in (
        lambda: cluster.delete_attempt(ref, grace_seconds=5),
        lambda: cluster.forget_attempt(ref),
        lambda: cluster.list_attempts() and None,
        lambda: cluster.capacity() and None,
    ):
        with pytest.raises(Unavailable, match="not now"):
            ask()


def test_pods_that_were_orphaned_are_ended_too(server: ApiServer, cluster: KubernetesCluster) -> None:
    """A raw DELETE without a propagation policy leaves them running (Jobs 1)."""
    ref = running(cluster, replicas=2)
    server.delete_job(ref.name, policy="Orphan")
    eventually(lambda: not server.list("jobs"), "the Job's deletion")
    cluster.delete_attempt(ref, grace_seconds=5)
    eventually(lambda: cluster.observe([ref])[ref] == Absent(), "the end of its pods")


def test_forgetting_removes_the_job_at_once(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = whole(cluster)
    server.finish_pods()
    eventually(lambda: seen(cluster, ref).all_succeeded, "its success")
    cluster.forget_attempt(ref)
    assert cluster.observe([ref]) == {ref: Absent()}
    nothing_left(server)


def test_attempts_are_listed_with_their_uids(server: ApiServer, cluster: KubernetesCluster) -> None:
    refs = {whole(cluster), running(cluster)}
    server.create("secrets", {"metadata": {"name": "somebodys"}})
    assert set(cluster.list_attempts()) == refs


def test_where_there_is_none_none_is_listed(cluster: KubernetesCluster) -> None:
    """Lists of metadata that hold nothing have null for their items."""
    assert cluster.list_attempts() == []


def test_a_broken_list_is_not_taken_for_an_empty_one(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.faults.lists_without_items()
    with pytest.raises(Unavailable):
        cluster.list_attempts()


def test_what_an_attempt_left_without_a_job_is_listed_and_goes(server: ApiServer, cluster: KubernetesCluster) -> None:
    made = spec("true", replicas=2, secret_envs=(("TOKEN", "x"),))
    server.faults.drop(verb="create", resource="jobs", count=1)
    with pytest.raises(Unavailable):
        cluster.create_attempt(made)
    assert cluster.list_attempts() == [made.ref]
    cluster.delete_attempt(made.ref, grace_seconds=5)
    cluster.forget_attempt(made.ref)
    assert cluster.list_attempts() == []
    nothing_left(server)


def test_without_the_right_to_list_secrets_the_jobs_are_listed(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = whole(cluster)
    server.faults.answer(403, verb="list", resource="secrets")
    assert cluster.list_attempts() == [ref]


def test_the_capacity_is_what_the_pool_says(clusters: Clusters) -> None:
    has = clusters(cpu="64", memory="1Ti", gpus=8).capacity()
    assert (has.cpu_millis, has.memory_bytes, has.gpus) == (64_000, 1 << 40, 8)


def test_the_capacity_tells_that_the_cluster_answers(server: ApiServer, cluster: KubernetesCluster) -> None:
    cluster.capacity()
    server.stop_listening()
    with pytest.raises(Unavailable, match="no answer from https://"):
        cluster.capacity()
    server.listen()
    cluster.capacity()
