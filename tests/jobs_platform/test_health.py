"""/healthz, /readyz and /metrics: alive without anything, ready with the database, degraded without the rest."""

from datetime import timedelta

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from jobs.models import ResourcePool
from jobs_platform import health


@pytest.fixture(autouse=True)
def unknown_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrated", False)


@pytest.fixture
def no_redis(settings: object, tmp_path: object) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"  # type: ignore[attr-defined]


def test_alive_needs_no_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "alive"


def test_without_redis_it_is_degraded_and_still_ready(client: Client, db: None, no_redis: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["redis"] == "cannot be reached"


def test_a_migration_to_apply_makes_it_unready(client: Client, db: None, no_redis: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="jobs").order_by("-id")[0].delete()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "migrate" in answer.json()["database"]


@pytest.mark.parametrize(("age", "status"), [(0, "ready"), (600, "agent not seen lately"), (None, "no agent yet")])
def test_it_tells_the_age_of_each_pools_agent(
    client: Client, pool: ResourcePool, no_redis: None, age: int | None, status: str
) -> None:
    pool.agent_seen_at = None if age is None else timezone.now() - timedelta(seconds=age)
    pool.save(update_fields=["agent_seen_at"])
    state = client.get("/readyz").json()["pools"]["local"]
    assert state["status"] == status
    assert (state["agentAgeSeconds"] is None) == (age is None)


@pytest.fixture
def elsewhere(db: None) -> ResourcePool:
    return ResourcePool.objects.create(
        name="gpu", kind=ResourcePool.KUBERNETES, agent_seen_at=timezone.now(), watched_at=timezone.now()
    )


def change(pool: ResourcePool, **columns: object) -> None:
    ResourcePool.objects.filter(pk=pool.pk).update(**columns)


@pytest.mark.parametrize(
    ("age", "status"), [(30, "ready"), (130, "cluster not seen lately"), (None, "cluster not seen yet")]
)
def test_a_cluster_that_is_out_of_sight_shows(
    client: Client, elsewhere: ResourcePool, no_redis: None, age: int | None, status: str
) -> None:
    change(elsewhere, watched_at=None if age is None else timezone.now() - timedelta(seconds=age))
    state = client.get("/readyz").json()["pools"]["gpu"]
    assert state["status"] == status
    assert state["agentAgeSeconds"] < 5
    assert state["watchAgeSeconds"] == (None if age is None else pytest.approx(age, abs=5))


def test_a_frozen_pool_shows(client: Client, elsewhere: ResourcePool, no_redis: None) -> None:
    change(elsewhere, frozen_at=timezone.now())
    state = client.get("/readyz").json()["pools"]["gpu"]
    assert state["frozen"] is True
    assert state["status"].startswith("frozen")


def test_this_machine_needs_no_watch(client: Client, pool: ResourcePool, no_redis: None) -> None:
    change(pool, agent_seen_at=timezone.now())
    state = client.get("/readyz").json()["pools"]["local"]
    assert (state["status"], state["watchAgeSeconds"]) == ("ready", None)


def test_metrics_tell_how_well_the_pools_are_seen(client: Client, pool: ResourcePool, elsewhere: ResourcePool) -> None:
    change(elsewhere, watched_at=timezone.now() - timedelta(hours=1), frozen_at=timezone.now())
    lines = client.get("/metrics").content.decode().splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(samples['jobs_platform_pool_watch_age_seconds{pool="gpu"}']) >= 3600
    assert float(samples['jobs_platform_pool_agent_age_seconds{pool="gpu"}']) < 5
    assert samples['jobs_platform_pool_frozen{pool="gpu"}'] == "1"
    assert samples['jobs_platform_pool_frozen{pool="local"}'] == "0"
    assert 'jobs_platform_pool_watch_age_seconds{pool="local"}' not in samples


def test_a_disabled_pool_needs_no_agent(client: Client, pool: ResourcePool, no_redis: None) -> None:
    ResourcePool.objects.update(enabled=False)
    assert client.get("/readyz").json()["pools"] == {}


def test_readiness_costs_few_queries(
    client: Client, pool: ResourcePool, no_redis: None, django_assert_num_queries: object
) -> None:
    client.get("/readyz")
    with django_assert_num_queries(2):  # type: ignore[operator]
        client.get("/readyz")


def test_metrics_are_prometheus_text(client: Client, db: None) -> None:
    answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "jobs_platform_build_info{" in answer.content.decode()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_they_are_only_read(client: Client, db: None, no_redis: None, path: str) -> None:
    assert client.post(path).status_code == 405
