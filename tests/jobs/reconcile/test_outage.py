"""R7, R10, R12: while a cluster cannot be seen, or is seen wrongly, no job comes to an end it did not have; when it can
be seen again, all goes on without anybody's help. The watch has its own tests of what breaks watches."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs import clusters, services
from jobs.models import Job, Queue, ResourcePool
from jobs.reconcile import decide, loop, losses
from jobs.services import Origin
from tests.jobs.cluster.worlds import eventually
from tests.jobs.conftest import submit
from tests.jobs.reconcile.worlds import World
from tests.kube import ApiServer

pytestmark = pytest.mark.django_db

JOBS = 12
Ended = Callable[[], None]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True) as server:
        yield server


@pytest.fixture
def far(queue: Queue, pool: ResourcePool, server: ApiServer, tmp_path: Path, settings: Any,
        monkeypatch: pytest.MonkeyPatch) -> Iterator[ResourcePool]:  # fmt: skip
    """Patient for a third of a second with its cluster, and needing no seconds between two proofs of absence."""
    monkeypatch.setattr(decide, "ABSENCE_PROOF", timedelta(0))
    monkeypatch.setattr(losses, "CHECK_SECONDS", 0.0)
    settings.KUBECONFIG_DIR = tmp_path
    settings.KUBERNETES_CONNECT_SECONDS = settings.KUBERNETES_READ_SECONDS = 0.3
    server.kubeconfig(tmp_path / "far.yaml")
    ResourcePool.objects.update(kind=ResourcePool.KUBERNETES, options={"kubeconfig": "far.yaml"})
    pool.refresh_from_db()
    clusters.kubernetes_cluster.cache_clear()
    yield pool
    clusters.kubernetes_cluster.cache_clear()


def go(pool: ResourcePool) -> set[str]:
    """One pass over everything; the statuses there are."""
    Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)
    pool.refresh_from_db()
    loop.reconcile(pool)
    return set(Job.objects.values_list("status", flat=True))


@pytest.fixture
def running(far: ResourcePool, bob: User) -> list[Job]:
    jobs = [submit(bob) for _ in range(JOBS)]
    eventually(lambda: go(far) == {"Running"}, "that all run")
    return jobs


def down(server: ApiServer) -> Ended:
    server.stop_listening()
    return server.listen


def fault(action: str, **where: Any) -> Callable[[ApiServer], Ended]:
    def begin(server: ApiServer) -> Ended:
        method = getattr(server.faults, action)
        number = method(where.pop("first"), **where) if "first" in where else method(**where)
        return lambda: server.faults.remove(number)

    return begin


OUTAGES = {
    "down": down,
    "500": fault("answer", first=500),
    "504": fault("answer", first=504, reason="Timeout", message="the server was unable to respond in time"),
    "403": fault("answer", first=403, reason="Forbidden", message="forbidden: it was asked for"),
    "410": fault("answer", first=410, reason="Expired", message="The provided continue parameter is too old"),
    "drops": fault("drop"),
    "black hole": fault("silence"),
    "empty lists": fault("empty_lists"),
    "empty lists of Jobs": fault("empty_lists", resource="jobs"),
    "lists without items": fault("lists_without_items"),
}


@pytest.mark.parametrize("begin", OUTAGES.values(), ids=list(OUTAGES))
def test_no_job_ends_by_an_outage_and_all_go_on_after_it(
    begin: Callable[[ApiServer], Ended], running: list[Job], far: ResourcePool, server: ApiServer, bob: User
) -> None:
    late = submit(bob)
    end = begin(server)
    for _turn in range(3):
        assert go(far) <= {"Running", "Starting"}
    assert Job.objects.get(pk=running[0].pk).status_reason in ("PoolUnavailable", "Running")
    end()
    eventually(lambda: go(far) == {"Running"}, "that all run again")
    assert Job.objects.filter(status_reason="Running").count() == JOBS + 1
    assert not ResourcePool.objects.exclude(frozen_at=None).exists()
    server.finish_pods()
    eventually(lambda: go(far) == {"Succeeded"}, "that all succeed")
    assert Job.objects.get(pk=late.pk).attempt_number == 1
    assert len(server.list("jobs")) == JOBS + 1, "one Job an attempt, and none gone before its log is stored"


def test_what_ends_in_the_dark_is_known_when_the_light_is_back(
    running: list[Job], far: ResourcePool, server: ApiServer, bob: User
) -> None:
    server.stop_listening()
    server.finish_pods(exit_code=3)
    services.stop(actor=bob, public_id=running[0].public_id, origin=Origin())
    assert go(far) == {"Running", "Stopping"}
    server.listen()
    eventually(lambda: go(far) == {"Failed", "Stopped"}, "that all have ended")
    assert Job.objects.filter(status_reason="CommandFailed").count() == JOBS - 1


def test_a_slow_cluster_keeps_no_job_from_another_worker(
    running: list[Job], far: ResourcePool, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R11: a pass that takes longer than its lease writes nothing over what the next worker did."""
    cluster = clusters.cluster_for(far)
    look, slow = cluster.observe, [True]

    def observe(refs: Any) -> Any:
        seen = look(refs)
        if slow.pop() if slow else False:
            server.finish_pods()
            eventually(lambda: go(far) == {"Succeeded"}, "that another worker sees their end")
        return seen

    monkeypatch.setattr(cluster, "observe", observe)
    assert go(far) == {"Succeeded"}


def test_ten_poison_jobs_among_a_thousand_stop_no_other(
    bob: User, queue: Queue, pool: ResourcePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12. Some cannot be started, others break whoever looks at them."""
    world = World()
    monkeypatch.setattr(loop, "cluster_for", lambda pool: world)
    monkeypatch.setattr("jobs.wakeups.wake", lambda pool_id: True)
    jobs = [submit(bob) for _ in range(1000)]
    world.crash = {job.public_id for job in jobs[::200]}
    go(pool)
    for name in world.attempts:
        world.run(name)
    bad = [job for job in jobs[100::200]]
    for job in bad:
        world.attempts[f"{job.public_id}-1"] = [None]  # type: ignore[list-item]
    go(pool)
    assert Job.objects.filter(status="Running").count() == 990
    poisoned = Job.objects.filter(pk__in=[job.pk for job in [*jobs[::200], *bad]])
    assert all(job.failures and job.last_error and job.next_check_at > timezone.now() for job in poisoned)
