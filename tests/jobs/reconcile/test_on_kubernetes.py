"""Jobs on a Kubernetes pool from beginning to end, by the worker alone: what the double does is what jobs tell."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import clusters
from jobs.models import Attempt, Job, Pod, ResourcePool
from jobs.reconcile import decide, loop
from jobs.reconcile.orphans import remove_orphans
from tests.jobs.cluster.worlds import eventually
from tests.jobs.conftest import submit
from tests.kube import ApiServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True) as server:
        yield server


@pytest.fixture
def far(pool: ResourcePool, server: ApiServer, tmp_path: Path, settings: Any) -> Iterator[ResourcePool]:
    settings.KUBECONFIG_DIR = tmp_path
    server.kubeconfig(tmp_path / "far.yaml")
    ResourcePool.objects.update(kind=ResourcePool.KUBERNETES, options={"kubeconfig": "far.yaml"})
    pool.refresh_from_db()
    yield pool
    clusters.kubernetes_cluster.cache_clear()


def go(pool: ResourcePool) -> Job:
    """One pass over everything, whenever it is due."""
    Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)
    loop.reconcile(pool)
    return Job.objects.get()


def until(pool: ResourcePool, *statuses: str) -> Job:
    return eventually(lambda: job if (job := go(pool)).status in statuses else None, f"one of {statuses}")


def running(pool: ResourcePool, actor: Any, **config: Any) -> str:
    """The name of its attempt's objects."""
    submit(actor, **config)
    return f"{until(pool, 'Running').public_id}-1"


def pods(server: ApiServer) -> list[str]:
    return sorted(one["metadata"]["name"] for one in server.list("pods"))


def left(server: ApiServer) -> list[str]:
    resources = ("jobs", "pods", "secrets", "services")
    return [one["metadata"]["name"] for resource in resources for one in server.list(resource)]


def test_a_job_succeeds(far, bob, queue, server):
    running(far, bob, replicas=2)
    server.finish_pods()
    job = until(far, "Succeeded")
    assert [pod.exit_code for pod in Pod.objects.all()] == [0, 0]
    assert job.started_at <= job.finished_at


def test_a_job_fails_by_the_pod_that_failed(far, bob, queue, server):
    running(far, bob, replicas=3)
    server.finish_pods(names=pods(server)[1:2], exit_code=3)
    job = until(far, "Failed")
    assert (job.status_reason, job.status_params["exitCode"]) == ("CommandFailed", 3)
    assert sorted(pod.reason for pod in Pod.objects.all()) == ["Error", "Stopped", "Stopped"]


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_a_job_that_somebody_deletes_from_its_cluster_is_lost(far, bob, queue, server, policy, monkeypatch):
    monkeypatch.setattr(decide, "ABSENCE_PROOF", timedelta(0))
    name = running(far, bob)
    server.delete_job(name, policy=policy)
    assert until(far, "Failed").status_reason == "Lost"


def test_a_pod_that_somebody_deletes_ends_its_job(far, bob, queue, server):
    running(far, bob, replicas=2)
    server.delete_pod(pods(server)[0])
    job = until(far, "Failed")
    assert (job.status_reason, job.status_params["variant"]) == ("Lost", "deleted")


def test_a_job_on_a_lost_node_says_so_and_ends_once_that_is_proven(far, bob, queue, server):
    """What nobody can tell to have ended may still run."""
    name = running(far, bob)
    server.lose_node()
    server.disrupt_pod(pods(server)[0], reason="DeletionByTaintManager")
    for _look in range(3):
        job = go(far)
        assert (job.status, job.status_reason, job.status_params["ended"]) == ("Running", "Ending", "NodeLost")
    assert name in left(server)
    server.remove_lost_pods()
    assert until(far, "Failed").status_reason == "NodeLost"


def test_a_stop_leaves_nothing(far, bob, queue, server, monkeypatch):
    monkeypatch.setattr(decide, "ABSENCE_PROOF", timedelta(0))
    running(far, bob, replicas=2)
    Job.objects.update(desired="stop")
    until(far, "Stopped")
    assert left(server) == []


def test_while_nothing_is_seen_nothing_ends(far, bob, queue, server):
    running(far, bob)
    for fault in (lambda: server.faults.answer(500), server.faults.lists_without_items, server.faults.drop):
        number = fault()
        job = go(far)
        assert (job.status, job.status_reason) == ("Running", "PoolUnavailable")
        server.faults.remove(number)
    server.finish_pods()
    until(far, "Succeeded")


def test_a_preempted_job_is_tried_again(far, bob, queue, server):
    name = running(far, bob, retryPolicy={"maxRetries": 1})

    def keep(pod: dict[str, Any]) -> None:
        pod["metadata"]["finalizers"].append("example.com/kept")

    (pod,) = pods(server)
    server.change("pods", pod, keep)
    server.disrupt_pod(pod, reason="PreemptionByScheduler")
    eventually(lambda: go(far).attempt_number == 2, "the second attempt")
    until(far, "Running")
    assert Attempt.objects.get(number=1).end_reason == "Preempted"
    assert name in [one["metadata"]["name"] for one in server.list("jobs")]
    Pod.objects.filter(attempt__number=1).update(log_stored_at=timezone.now())
    eventually(lambda: remove_orphans(far) or None, "the sweep")
    eventually(lambda: [one["metadata"]["name"] for one in server.list("jobs")] == [f"{name[:-2]}-2"], "its removal")


def test_what_is_over_goes_when_its_logs_are_stored(far, bob, queue, server):
    running(far, bob, replicas=2, secrets={"TOKEN": "x"})
    assert len(left(server)) == 5
    server.finish_pods()
    until(far, "Succeeded")
    go(far)
    assert len(server.list("jobs")) == 1
    Pod.objects.update(log_stored_at=timezone.now())
    go(far)
    eventually(lambda: not left(server), "the removal of everything")
