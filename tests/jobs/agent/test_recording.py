"""Pods' last words outlive the pods (R8), and only what differs from the registry is news."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jobs.agent import recording
from jobs.agent.gathered import Gathered
from jobs.cluster.base import Condition, Hint, PodPhase, PodReason, PodSnapshot
from jobs.models import Event, Job, Pod, ResourcePool
from tests.jobs.agent.conftest import START, failed, pod


def told(pool: ResourcePool, *pods: PodSnapshot, gone: bool = False) -> set[str]:
    gathered = Gathered()
    for each in pods:
        gathered.add(Hint(each.ref.job_id, pod=each, gone=gone))
    return recording.record(pool, gathered)


def row(job: Job, replica: int = 0) -> Pod:
    return Pod.objects.get(job=job, replica=replica)


def test_how_a_pod_ended_is_kept_when_it_goes(pool: ResourcePool, running: Job) -> None:
    assert told(pool, failed(running, node="node-7", message="boom"), gone=True) == {running.public_id}
    kept = row(running)
    assert (kept.phase, kept.exit_code, kept.reason, kept.message) == ("Failed", 3, "Error", "boom")
    assert (kept.node, kept.finished_at, kept.ready) == ("node-7", START, False)
    assert Event.objects.get(job=running, reason="PodFailed").pod_name == kept.name


def test_a_pod_that_is_over_but_there_is_left_to_the_worker(pool: ResourcePool, running: Job) -> None:
    assert told(pool, failed(running)) == {running.public_id}
    assert row(running).phase == "Running"


def test_what_is_recorded_as_over_stays(pool: ResourcePool, running: Job) -> None:
    told(pool, failed(running), gone=True)
    told(pool, failed(running, code=9), gone=True)
    assert row(running).exit_code == 3
    assert Event.objects.filter(job=running, reason="PodFailed").count() == 1


def test_an_exit_code_that_the_worker_could_not_know_is_added(pool: ResourcePool, running: Job) -> None:
    Pod.objects.filter(job=running, replica=0).update(phase="Failed", reason="Stopped")
    told(pool, failed(running, code=143), gone=True)
    assert (row(running).exit_code, row(running).reason) == (143, "Stopped")


def test_another_pod_under_the_same_name_says_nothing_of_this_one(pool: ResourcePool, running: Job) -> None:
    told(pool, failed(running, uid="older"), gone=True)
    assert (row(running).phase, row(running).uid) == ("Running", "uid-0")


def test_a_pod_that_the_registry_never_saw_is_recorded_all_the_same(pool: ResourcePool, running: Job) -> None:
    Pod.objects.filter(job=running).update(uid="", phase="Pending", started_at=None)
    told(pool, failed(running), gone=True)
    assert (row(running).uid, row(running).exit_code) == ("uid-0", 3)
    assert Event.objects.filter(job=running, reason="Started").count() == 1


def test_a_pod_whose_end_nobody_saw_has_started_all_the_same(pool: ResourcePool, running: Job) -> None:
    unseen = replace(failed(running), exit_code=None, started_at=None, reason=PodReason.LOST)
    told(pool, unseen, gone=True)
    assert (row(running).reason, row(running).started_at) == ("Lost", START)


def test_a_pod_that_vanished_while_it_ran_is_for_the_worker_to_judge(pool: ResourcePool, running: Job) -> None:
    assert told(pool, pod(running), gone=True) == {running.public_id}
    assert row(running).phase == "Running"


@pytest.mark.parametrize("reason", [PodReason.STOPPED, PodReason.DELETED])
def test_where_kueue_takes_pods_away_being_stopped_is_no_end(
    pool: ResourcePool, running: Job, reason: PodReason
) -> None:
    pool.options = {"kueueQueue": "main"}
    told(pool, pod(running, phase=PodPhase.FAILED, exit_code=143, reason=reason), gone=True)
    assert row(running).phase == "Running"
    told(pool, failed(running), gone=True)
    assert row(running).phase == "Failed"


def test_a_pod_of_another_pools_job_is_not_touched(pool: ResourcePool, running: Job) -> None:
    other = ResourcePool.objects.create(name="other", kind=ResourcePool.KUBERNETES)
    told(other, failed(running), gone=True)
    assert row(running).phase == "Running"


def test_what_is_as_the_registry_knows_it_is_no_news(pool: ResourcePool, running: Job) -> None:
    """As at a start of the agent, which is told of everything that is there."""
    Pod.objects.filter(job=running, replica=1).update(phase="Failed", exit_code=3)
    assert told(pool, pod(running), failed(running, 1)) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"phase": PodPhase.PENDING},
        {"phase": PodPhase.SUCCEEDED},
        {"uid": "another"},
        {"terminating": True},
        {"conditions": (Condition("DisruptionTarget", True, "PreemptionByScheduler"),)},
    ],
)
def test_what_differs_is_news(pool: ResourcePool, running: Job, change: dict[str, Any]) -> None:
    assert told(pool, pod(running, **change)) == {running.public_id}


def test_many_are_looked_up_at_once(
    pool: ResourcePool, running: Job, django_assert_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_num_queries(1):
        told(pool, pod(running), pod(running, 1))


def test_one_that_cannot_be_stored_does_not_keep_the_other_from_being(pool: ResourcePool, running: Job) -> None:
    told(pool, failed(running, 1, code=2**70), failed(running), gone=True)
    assert row(running, 1).phase == "Running"
    assert row(running).exit_code == 3
