"""The page of the resource pools: how full, who waits, who holds, what is wrong."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.models import PoolUse, Queue, ResourcePool
from jobs.reconcile import usage
from tests.jobs.dashboard.conftest import Browse, MakeJob


@pytest.fixture
def healthy(pool: ResourcePool, queue: Queue) -> ResourcePool:
    pool.agent_seen_at = timezone.now()
    pool.save()
    return pool


def shown(browse: Browse, user: User, path: str = "/pools") -> str:
    response = browse(user).get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_it_says_how_full_a_pool_is(healthy: ResourcePool, bob: User, browse: Browse, make_job: MakeJob) -> None:
    make_job(bob, "holder", status="Running", cpu_millis=1500, memory_bytes=2 << 30, started_at=timezone.now())
    text = shown(browse, bob)
    assert "1.5 of 2" in text
    assert 'value="75"' in text
    assert "2 GiB of 8 GiB" in text


def test_it_names_who_waits_and_who_holds(healthy: ResourcePool, bob: User, browse: Browse, make_job: MakeJob) -> None:
    make_job(bob, "holder", status="Running", started_at=timezone.now())
    make_job(
        bob, "in line", status="Queued", status_reason="Waiting",
        status_params={"variant": "gpu", "free": "0", "total": "8", "asked": "4"},
    )  # fmt: skip
    text = shown(browse, bob)
    assert text.index("in line") < text.index("holder")
    assert "0 of 8 GPU" in text


def test_jobs_of_other_projects_are_counted_and_not_named(
    healthy: ResourcePool, bob: User, mallory: User, browse: Browse, make_job: MakeJob
) -> None:
    make_job(mallory, "secret plan", status="Running", started_at=timezone.now())
    text = shown(browse, bob)
    assert "secret plan" not in text
    assert "and 1 more, or of other projects" in text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"agent_seen_at": None}, "No agent yet"),
        ({"agent_seen_at": timezone.now() - timedelta(hours=1)}, "Agent not seen lately"),
        ({"frozen_at": timezone.now()}, "Frozen"),
        ({"draining": True}, "Draining"),
        ({"enabled": False}, "Switched off"),
        ({"kind": "kubernetes"}, "Cluster not seen yet"),
        ({}, "Ready"),
    ],
)
def test_it_says_what_is_wrong(
    columns: dict[str, Any], words: str, healthy: ResourcePool, bob: User, browse: Browse
) -> None:
    ResourcePool.objects.filter(pk=healthy.pk).update(**columns)
    assert words in shown(browse, bob)


def test_without_pools_it_says_how_to_add_one(bob: User, browse: Browse) -> None:
    assert "manage.py add_pool" in shown(browse, bob)


def test_use_is_sampled_once_a_minute_and_drawn(
    healthy: ResourcePool, bob: User, browse: Browse, make_job: MakeJob
) -> None:
    now = timezone.now().replace(second=30)
    make_job(bob, "holder", status="Running", cpu_millis=500, replicas=2, started_at=now)
    make_job(bob, "in line", status="Queued")
    usage.sample(now)
    usage.sample(now.replace(second=40))
    use = PoolUse.objects.get()
    assert (use.cpu_millis, use.running, use.waiting, use.at.second) == (1000, 1, 1, 0)
    assert "CPU 50%" in shown(browse, bob, "/pools?range=1h")
    assert shown(browse, bob, "/pools/live?range=nonsense")


def test_old_samples_are_removed(healthy: ResourcePool) -> None:
    now = timezone.now()
    usage.sample(now - timedelta(days=8))
    usage.sample(now)
    assert usage.purge(now) == 1
    assert PoolUse.objects.count() == 1


def test_it_costs_the_same_queries_however_many_jobs(
    healthy: ResourcePool, bob: User, browse: Browse, make_job: MakeJob, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        make_job(bob, f"job {number}", status="Running", started_at=timezone.now())
        make_job(bob, f"next {number}", status="Queued")
    client = browse(bob)
    client.get("/pools")
    with django_assert_max_num_queries(12):
        client.get("/pools")
