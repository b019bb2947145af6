"""A dry run says how the job would fare if it were submitted now."""

from typing import Any

import pytest

from accounts.models import User
from jobs.models import Job, Queue, ResourcePool
from jobs.reconcile import admit
from tests.api_client import ApiClient
from tests.jobs.conftest import CONFIG, submit

ALL_CPUS = {"resources": {"cpu": "2"}}


def outlook(api: ApiClient, **fields: Any) -> dict[str, Any]:
    answer = api.post("/api/jobs/create", {**CONFIG, **fields, "dryRun": True}, accept_language="en")
    found: dict[str, Any] = answer.json()["data"]["outlook"]
    return found


def running(bob: User, **fields: Any) -> None:
    Job.objects.filter(pk=submit(bob, **fields).pk).update(status="Running")


def test_an_empty_pool_has_room(api: ApiClient) -> None:
    assert outlook(api, **ALL_CPUS) == {
        "fitsNow": True,
        "jobsAhead": 0,
        "message": "Fits now: it would start at once.",
    }


def test_a_full_pool_says_what_is_free(api: ApiClient, bob: User) -> None:
    running(bob, resources={"cpu": "1500m"})
    found = outlook(api, resources={"cpu": "1"})
    assert (found["fitsNow"], found["jobsAhead"]) == (False, 0)
    assert "0.5 of 2 CPUs free, the job asks for 1" in found["message"]


def test_who_waits_goes_first(api: ApiClient, bob: User) -> None:
    running(bob, **ALL_CPUS)
    for _number in range(3):
        submit(bob, **ALL_CPUS)
    found = outlook(api, resources={"cpu": "500m"})
    assert (found["fitsNow"], found["jobsAhead"]) == (False, 3)
    assert "behind 3 jobs" in found["message"]


def test_a_long_line_is_counted_beyond_what_admission_considers(
    api: ApiClient, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admit, "CONSIDERED", 2)
    running(bob, **ALL_CPUS)
    for _number in range(5):
        submit(bob, **ALL_CPUS)
    found = outlook(api, **ALL_CPUS)
    assert found["jobsAhead"] == 5
    assert "behind 5 jobs" in found["message"]


def test_a_higher_priority_goes_before_those_that_wait(api: ApiClient, bob: User) -> None:
    running(bob, resources={"cpu": "1"})
    submit(bob, **ALL_CPUS)
    assert outlook(api, resources={"cpu": "1"})["jobsAhead"] == 1
    assert outlook(api, resources={"cpu": "1"}, priority="high")["fitsNow"] is True


def test_a_full_queue_counts_its_own_alone(api: ApiClient, bob: User, pool: ResourcePool) -> None:
    narrow = Queue.objects.create(pool=pool, name="narrow", max_running_jobs=1)
    running(bob, resourcePoolId="local", queue=narrow.name)
    submit(bob, resourcePoolId="local", queue=narrow.name)
    submit(bob, **ALL_CPUS)
    found = outlook(api, resourcePoolId="local", queue=narrow.name)
    assert (found["fitsNow"], found["jobsAhead"]) == (False, 1)
    assert "at most 1 job at once" in found["message"]


def test_a_pool_being_drained_starts_nothing(api: ApiClient, pool: ResourcePool) -> None:
    ResourcePool.objects.update(draining=True)
    assert "being drained" in outlook(api)["message"]


@pytest.mark.usefixtures("queue")
def test_it_looks_at_the_pool_in_few_queries(api: ApiClient, bob: User, django_assert_max_num_queries: Any) -> None:
    running(bob, **ALL_CPUS)
    for _number in range(30):
        submit(bob, **ALL_CPUS)
    with django_assert_max_num_queries(10):
        assert outlook(api, **ALL_CPUS)["jobsAhead"] == 30
