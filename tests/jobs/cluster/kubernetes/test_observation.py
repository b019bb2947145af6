"""What is seen of attempts, and what is not concluded from what cannot be seen (R7, R12)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.cluster.base import Absent, AttemptSnapshot, ObjectRef, PodPhase, PodReason, Present, Unknown
from jobs.cluster.kubernetes import lists, observation
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.kueue import JOB_UID
from jobs.cluster.kubernetes.labels import KUEUE_QUEUE
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.identifiers import new_job_id
from tests.jobs.cluster.kubernetes.conftest import Clusters
from tests.jobs.cluster.worlds import eventually, spec
from tests.kube import ApiServer


def seen(cluster: KubernetesCluster, ref: ObjectRef) -> AttemptSnapshot:
    found = cluster.observe([ref])[ref]
    assert isinstance(found, Present), found
    return found.snapshot


def running(cluster: KubernetesCluster, **fields: Any) -> ObjectRef:
    ref = cluster.create_attempt(spec("sleep", "600", **fields))
    eventually(lambda: seen(cluster, ref).all_running, f"the running of {ref.name}")
    return ref


def over(cluster: KubernetesCluster, ref: ObjectRef) -> AttemptSnapshot:
    return eventually(lambda: s if (s := seen(cluster, ref)).all_over else None, f"the end of {ref.name}")


def why(cluster: KubernetesCluster, ref: ObjectRef) -> str:
    found = cluster.observe([ref])[ref]
    assert isinstance(found, Unknown), found
    return found.why


def pods_of(server: ApiServer, ref: ObjectRef) -> list[str]:
    return [one["metadata"]["name"] for one in server.list("pods") if one["metadata"]["name"].startswith(ref.name)]


def test_a_batch_costs_one_list_of_jobs_and_one_of_pods(server: ApiServer, cluster: KubernetesCluster) -> None:
    refs = [running(cluster) for _ in range(3)]
    server.requests.clear()
    assert all(isinstance(found, Present) for found in cluster.observe(refs).values())
    assert [one.info.resource for one in server.requests.all()] == ["jobs", "pods"]


def test_more_than_one_selector_holds_are_read_in_parts(
    cluster: KubernetesCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation, "CHUNK", 2)
    refs = [running(cluster) for _ in range(5)]
    missing = ObjectRef(new_job_id(), 1)
    found = cluster.observe([*refs, missing])
    assert [type(found[ref]) for ref in [*refs, missing]] == [Present] * 5 + [Absent]


def test_a_long_list_is_read_page_after_page(
    server: ApiServer, cluster: KubernetesCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE", 2)
    ref = running(cluster, replicas=5)
    server.requests.clear()
    assert len(seen(cluster, ref).pods) == 5
    assert len(server.requests.all(resource="pods")) == 3


def test_a_page_that_fails_makes_it_unknown(
    server: ApiServer, cluster: KubernetesCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE", 1)
    refs = [running(cluster) for _ in range(2)]
    chosen = iter([None, 410])
    ask = cluster.client.ask

    def second_expires(method: str, path: str, **more: Any) -> bytes:
        if path.endswith("/jobs") and next(chosen):
            server.faults.answer(410, verb="list", resource="jobs", reason="Expired", count=1)
        return ask(method, path, **more)

    monkeypatch.setattr(cluster.client, "ask", second_expires)
    assert {type(found) for found in cluster.observe(refs).values()} == {Unknown}


def test_nothing_is_asked_for_nobody(server: ApiServer, cluster: KubernetesCluster) -> None:
    assert cluster.observe([]) == {}
    assert server.requests.all() == []


FAULTS: dict[str, Callable[[ApiServer], object]] = {
    "500": lambda server: server.faults.answer(500),
    "503": lambda server: server.faults.answer(503),
    "504 with a Status": lambda server: server.faults.answer(504, reason="Timeout"),
    "410": lambda server: server.faults.answer(410, reason="Expired"),
    "429": lambda server: server.faults.answer(429, reason="TooManyRequests"),
    "403": lambda server: server.faults.answer(403, reason="Forbidden"),
    "404 for the list": lambda server: server.faults.answer(404, reason="NotFound"),
    "a list without items": lambda server: server.faults.lists_without_items(),
    "a dropped connection": lambda server: server.faults.drop(),
    "silence": lambda server: server.faults.silence(),
    "no pods to be seen": lambda server: server.faults.answer(500, resource="pods"),
    "nobody there": lambda server: server.stop_listening(),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_seen_is_unknown(server: ApiServer, clusters: Clusters, fault: str) -> None:
    refs = [running(clusters()), ObjectRef(new_job_id(), 1)]
    cluster = clusters(read_seconds=0.3)
    FAULTS[fault](server)
    found = cluster.observe(refs)
    server.faults.clear()
    assert {ref: type(one) for ref, one in found.items()} == dict.fromkeys(refs, Unknown)


def test_once_nothing_can_be_seen_the_rest_is_not_asked_for(
    server: ApiServer, cluster: KubernetesCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation, "CHUNK", 1)
    refs = [ObjectRef(new_job_id(), 1) for _ in range(3)]
    server.faults.answer(500)
    assert {type(found) for found in cluster.observe(refs).values()} == {Unknown}
    assert len(server.requests.all()) == 1


def test_a_missing_kubeconfig_is_told_and_not_raised(clusters: Clusters) -> None:
    cluster = clusters()
    path = cluster.client.access.kubeconfig
    assert path is not None
    path.unlink()
    assert "there is no kubeconfig" in why(cluster, ObjectRef(new_job_id(), 1))


def test_an_empty_list_shows_nothing(server: ApiServer, cluster: KubernetesCluster) -> None:
    """Whoever sees all of a pool vanish at once does not believe it (the breaker)."""
    ref = running(cluster)
    server.faults.empty_lists()
    assert cluster.observe([ref]) == {ref: Absent()}


def test_a_job_made_anew_under_the_name_is_another(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = running(cluster)
    other = replace(ref, uid="0" * 32)
    assert cluster.observe([other, ref])[other] == Absent()


def test_a_job_with_a_copy_of_the_labels_is_not_the_attempt(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = running(cluster)
    copy = server.get("jobs", ref.name)
    copy["metadata"] = {"name": "copied", "labels": copy["metadata"]["labels"]}
    copy["spec"].pop("selector", None)
    copy["spec"]["template"]["metadata"].pop("labels", None)
    server.create("jobs", copy)
    assert seen(cluster, ref).ref == ref


def test_one_object_that_cannot_be_read_hides_no_other(server: ApiServer, cluster: KubernetesCluster) -> None:
    bad, good = running(cluster), running(cluster)

    def spoil(found: dict[str, Any]) -> None:
        found["status"]["startTime"] = "yesterday"

    server.change("pods", pods_of(server, bad)[0], spoil)
    found = cluster.observe([bad, good])
    assert isinstance(found[bad], Unknown)
    assert isinstance(found[good], Present)


def test_a_pod_that_failed_ends_its_peers(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = running(cluster, replicas=3)
    server.finish_pods(names=pods_of(server, ref)[:1], exit_code=3)
    snapshot = over(cluster, ref)
    assert [pod.reason for pod in snapshot.pods] == [PodReason.ERROR, PodReason.STOPPED, PodReason.STOPPED]
    assert snapshot.pods[0].exit_code == 3


def test_an_attempt_whose_pod_somebody_deletes_ends_by_that(server: ApiServer, cluster: KubernetesCluster) -> None:
    """Once the pods are gone nobody can tell which it was."""
    ref = running(cluster, replicas=2)
    server.delete_pod(pods_of(server, ref)[1])
    told = {pod.reason for pod in over(cluster, ref).pods}
    assert PodReason.DELETED in told
    assert told <= {PodReason.DELETED, PodReason.STOPPED}


@pytest.mark.parametrize(
    ("reason", "means"),
    [("PreemptionByScheduler", PodReason.PREEMPTED), ("EvictionByEvictionAPI", PodReason.EVICTED)],
)
def test_a_pod_that_is_disrupted_says_so(
    server: ApiServer, cluster: KubernetesCluster, reason: str, means: PodReason
) -> None:
    ref = running(cluster)

    def keep(found: dict[str, Any]) -> None:
        found["metadata"].setdefault("finalizers", []).append("example.com/kept")

    server.change("pods", pods_of(server, ref)[0], keep)
    server.disrupt_pod(pods_of(server, ref)[0], reason=reason)
    assert [pod.reason for pod in over(cluster, ref).pods] == [means]


@pytest.mark.parametrize("policy", ["Background", "Orphan"])
def test_a_job_that_somebody_deletes_is_there_while_its_pods_are(
    server: ApiServer, cluster: KubernetesCluster, policy: str
) -> None:
    ref = running(cluster)

    def keep(found: dict[str, Any]) -> None:
        found["metadata"].setdefault("finalizers", []).append("example.com/kept")

    def let_go(found: dict[str, Any]) -> None:
        found["metadata"]["finalizers"] = []

    name = pods_of(server, ref)[0]
    server.change("pods", name, keep)
    server.delete_job(ref.name, policy=policy)
    eventually(lambda: not server.list("jobs"), "the Job's deletion")
    if policy == "Orphan":
        assert seen(cluster, ref).pods[0].phase is PodPhase.RUNNING
        server.finish_pods()
    eventually(lambda: cluster.observe([ref])[ref] == Absent(), "the end of its pod")
    server.change("pods", name, let_go)


def aged(found: dict[str, Any]) -> None:
    made = datetime.now(UTC) - timedelta(minutes=1)
    found["metadata"]["creationTimestamp"] = made.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_job_whose_pods_are_refused_says_why(server: ApiServer, cluster: KubernetesCluster) -> None:
    """Over quota the Job exists and no pod comes; its event FailedCreate says why (Watch and logs)."""
    server.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}})
    ref = cluster.create_attempt(spec("true"))
    eventually(lambda: server.list("events"), "the event")
    assert seen(cluster, ref).notices == ()
    server.change("jobs", ref.name, aged)
    notices = seen(cluster, ref).notices
    assert {(one.reason, one.warning, one.attempt, one.replica) for one in notices} == {("FailedCreate", True, 1, None)}
    assert "exceeded quota" in notices[-1].message
    server.faults.answer(403, resource="events")
    assert seen(cluster, ref).notices == ()


def test_without_kueue_a_suspended_job_only_waits(clusters: Clusters) -> None:
    cluster = clusters(kueue_queue="team")
    ref = cluster.create_attempt(spec("true"))
    snapshot = seen(cluster, ref)
    assert (snapshot.suspended, snapshot.admission, snapshot.pods) == (True, (), ())


def test_with_kueue_a_job_waits_with_its_workloads_conditions(tmp_path: Path) -> None:
    with ApiServer(simulate=True, kueue=True) as server:
        path = server.kubeconfig(tmp_path / "pool.yaml")
        options = PoolOptions(kubeconfig=path.name, kueue_queue="team")
        cluster = KubernetesCluster(Access(options, tmp_path, connect_seconds=2.0, read_seconds=20.0))
        ref = cluster.create_attempt(spec("true"))
        assert server.get("jobs", ref.name)["metadata"]["labels"][KUEUE_QUEUE] == "team"
        waits = {"type": "QuotaReserved", "status": "False", "reason": "Pending", "message": "no quota for gpu"}
        meta = {"name": f"job-{ref.name}-1a2b3", "labels": {JOB_UID: ref.uid}}
        server.create("workloads", {"metadata": meta, "spec": {"queueName": "team"}})
        server.change("workloads", meta["name"], lambda found: found.update(status={"conditions": [waits]}))
        admission = seen(cluster, ref).admission
        assert [(one.type, one.status, one.message) for one in admission] == [
            ("QuotaReserved", False, "no quota for gpu")
        ]
        server.change("jobs", ref.name, lambda found: found["spec"].update(suspend=False))
        eventually(lambda: seen(cluster, ref).all_running, "its running")
        assert seen(cluster, ref).admission == ()
