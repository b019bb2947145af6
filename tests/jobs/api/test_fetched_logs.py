"""Logs that the agent fetches from a cluster: what a reader is told while it is behind, or away."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.api import log_target
from jobs.api.log_target import PodState, Target
from jobs.logs.store import LogKey
from jobs.models import Job, Pod, ResourcePool
from tests.api_client import ApiClient, error
from tests.jobs.pod_logs import make_pod, print_lines


@pytest.fixture(autouse=True)
def log_dir(settings: Any, tmp_path: Path) -> None:
    settings.LOG_DIR = tmp_path


@pytest.fixture
def pool(db: None) -> ResourcePool:
    now = timezone.now()
    return ResourcePool.objects.create(
        name="gpu", kind=ResourcePool.KUBERNETES, is_default=True, agent_seen_at=now, watched_at=now
    )


@pytest.fixture
def pod(job: Job) -> Pod:
    made = make_pod(job)
    made.uid = "uid"
    made.save(update_fields=["uid"])
    return made


@pytest.fixture
def client(bob: User) -> ApiClient:
    return ApiClient(bob)


def state(pod: Pod) -> PodState:
    return log_target.pod_state(Target(pod.job_id, pod.job.public_id, pod.name, LogKey(pod.job.public_id, 1, 0)))


def end(pod: Pod, *, seconds_ago: float = 0.0, **fields: Any) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Pod.objects.filter(pk=pod.pk).update(phase="Succeeded", observed_at=at, finished_at=at, **fields)


def path(pod: Pod) -> str:
    return f"/api/jobs/{pod.job.public_id}/pods/{pod.name}/logs"


def test_a_pod_that_is_over_may_have_lines_to_come(pod: Pod) -> None:
    assert not state(pod).ended
    end(pod)
    assert not state(pod).ended
    end(pod, log_stored_at=timezone.now())
    assert state(pod).ended


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Stopped"])
def test_so_may_one_of_a_job_that_is_over(pod: Pod, status: str) -> None:
    end(pod)
    Job.objects.filter(pk=pod.job_id).update(status=status)
    assert state(pod) == PodState(status, ended=False, settled=True)


def test_nobody_waits_for_ever_for_an_agent_that_is_away(pod: Pod) -> None:
    end(pod, seconds_ago=log_target.LATE.total_seconds() + 1)
    assert state(pod).ended


def test_nothing_is_awaited_of_a_pod_that_never_came_to_be(pod: Pod) -> None:
    end(pod, uid="")
    assert state(pod).ended


def test_asking_for_a_pod_s_state_costs_one_query(pod: Pod, django_assert_num_queries: Any) -> None:
    target = Target(pod.job_id, pod.job.public_id, pod.name, LogKey(pod.job.public_id, 1, 0))
    with django_assert_num_queries(1):
        log_target.pod_state(target)


def test_a_log_that_is_a_moment_behind_is_empty(client: ApiClient, pod: Pod) -> None:
    data = client.get(path(pod)).json()["data"]
    assert (data["logs"], data["complete"]) == ("", False)


@pytest.mark.parametrize("silent", ["agent_seen_at", "watched_at"])
@pytest.mark.parametrize("age", [None, 60])
def test_a_log_that_nobody_fetches_is_unavailable(client: ApiClient, pod: Pod, silent: str, age: int | None) -> None:
    at = None if age is None else timezone.now() - timedelta(seconds=age)
    ResourcePool.objects.update(**{silent: at})
    assert error(client.get(path(pod))) == (503, "POOL_UNAVAILABLE")
    print_lines(pod.job, b"one\n")
    assert client.get(path(pod)).json()["data"]["logs"] == "one\n"


@pytest.mark.parametrize("fields", [{"phase": "Pending"}, {"uid": ""}, {"log_stored_at": timezone.now()}])
def test_a_pod_that_has_printed_nothing_needs_no_agent(client: ApiClient, pod: Pod, fields: dict[str, Any]) -> None:
    ResourcePool.objects.update(agent_seen_at=None)
    Pod.objects.filter(pk=pod.pk).update(**fields)
    assert client.get(path(pod)).json()["data"]["logs"] == ""
