"""R1, R3, R8, R9: a worker may die before, in and after everything it does; what the next one leaves is what a worker
that lives leaves. Once over a cluster in memory, with every call and every write, and once over the double of an API
server, with every call and every request."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from jobs import clusters, services
from jobs.cluster.base import Cluster, PodPhase, PodReason
from jobs.models import Attempt, Event, Job, Pod, Queue, ResourcePool
from jobs.reconcile import decide, loop, losses, orphans
from jobs.reconcile.orphans import remove_orphans
from jobs.services import Origin
from tests.jobs.cluster.worlds import eventually
from tests.jobs.conftest import submit
from tests.jobs.reconcile.crashes import AFTER, BEFORE, WRITES, Crash, Fate, Fated
from tests.jobs.reconcile.worlds import World
from tests.kube import ApiServer
from tests.kube.faults import Fault

pytestmark = pytest.mark.django_db

Outcome = tuple[Any, ...]


@pytest.fixture
def far(queue: Queue, pool: ResourcePool, monkeypatch: pytest.MonkeyPatch) -> ResourcePool:
    """A pool whose logs are fetched, and that needs no seconds between two proofs of absence."""
    monkeypatch.setattr(decide, "ABSENCE_PROOF", timedelta(0))
    ResourcePool.objects.update(kind=ResourcePool.KUBERNETES)
    pool.refresh_from_db()
    return pool


class Worker:
    """One after another: the next one comes when the dead one's lease is over, and knows nothing of it."""

    def __init__(self, pool: ResourcePool, cluster: Cluster, fate: Fate, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pool, self.fate = pool, fate
        for module in (loop, orphans):
            monkeypatch.setattr(module, "cluster_for", lambda _pool: Fated(cluster, fate))

    def settle(self, passes: int = 2) -> None:
        while passes:
            Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)
            losses._memories.clear()
            try:
                with connection.execute_wrapper(self.fate.write):
                    loop.reconcile(self.pool)
                passes -= 1
            except Crash:
                continue

    def sweep(self) -> None:
        for _turn in range(2):
            try:
                remove_orphans(self.pool)
            except Crash:
                continue


def outcome(job: Job) -> Outcome:
    """All that must not depend on who died when: no times, no uids, no retries of looks."""
    found = Job.objects.get(pk=job.pk)
    reasons = Event.objects.filter(job=job).values_list("reason", flat=True)
    return (
        (found.status, found.status_reason, found.attempt_number, found.next_check_at, found.lease_token),
        list(Attempt.objects.filter(job=job).order_by("number").values_list("number", "end_reason", "ending_reason")),
        list(Pod.objects.filter(job=job).order_by("name").values_list("replica", "phase", "exit_code", "reason")),
        sorted(reasons),
    )


def store_logs() -> None:
    Pod.objects.exclude(uid="").update(log_stored_at=timezone.now())


# In memory.


def retried(worker: Worker, world: World, user: User) -> Job:
    """A replica fails and takes its peer down; the retry succeeds."""
    job = submit(user, replicas=2, retryPolicy={"maxRetries": 1})
    worker.settle()
    world.run(f"{job.public_id}-1")
    worker.settle(1)
    world.end(f"{job.public_id}-1", PodPhase.FAILED, PodReason.ERROR, 3, only=0)
    worker.settle(3)
    store_logs()
    assert f"{job.public_id}-2" in world.attempts
    world.run(f"{job.public_id}-2")
    world.end(f"{job.public_id}-2", PodPhase.SUCCEEDED, PodReason.COMPLETED, 0)
    finish(worker)
    return job


def finish(worker: Worker) -> None:
    for _turn in range(4):
        worker.settle(1)
        store_logs()


def stopped(worker: Worker, world: World, user: User) -> Job:
    job = submit(user)
    worker.settle()
    world.run(f"{job.public_id}-1")
    worker.settle(1)
    services.stop(actor=user, public_id=job.public_id, origin=Origin())
    finish(worker)
    return job


def lost(worker: Worker, world: World, user: User) -> Job:
    job = submit(user)
    worker.settle()
    world.attempts.pop(f"{job.public_id}-1")
    finish(worker)
    return job


@pytest.mark.parametrize("story", [retried, stopped, lost])
def test_a_worker_may_die_at_any_call_and_any_write(
    story: Callable[[Worker, World, User], Job], far: ResourcePool, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def play(fate: Fate) -> tuple[Outcome, World]:
        world = World()
        worker = Worker(far, world, fate, monkeypatch)
        seen = outcome(story(worker, world, bob))
        worker.sweep()
        Job.objects.all().delete()
        return seen, world

    whole = Fate()
    expected, calm = play(whole)
    assert expected[0][0] in ("Succeeded", "Stopped", "Failed")
    points = whole.points()
    assert len(points) > 20
    for point in points:
        seen, world = play(Fate(point))
        assert seen == expected, f"after a crash {point}"
        assert len(world.created) == len(set(world.created)) == len(calm.created), f"started twice {point}"
        assert world.attempts == {}, f"left over {point}"


# On the double.


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True) as server:
        yield server


@pytest.fixture
def cluster(far: ResourcePool, server: ApiServer, tmp_path: Path, settings: Any) -> Iterator[Cluster]:
    settings.KUBECONFIG_DIR = tmp_path
    settings.KUBERNETES_READ_SECONDS = 0.5
    server.kubeconfig(tmp_path / "far.yaml")
    far.options = {"kubeconfig": "far.yaml"}
    far.save()
    yield clusters.cluster_for(far)
    clusters.kubernetes_cluster.cache_clear()


class Kubernetes:
    """Plays one story a job on one server; afterwards nothing of it may be there."""

    def __init__(self, server: ApiServer, worker: Worker, user: User) -> None:
        self.server, self.worker, self.user = server, worker, user

    def until(self, job: Job, *statuses: str) -> None:
        def look() -> bool:
            self.worker.settle(1)
            return Job.objects.get(pk=job.pk).status in statuses

        eventually(look, f"one of {statuses}", pause=0.01)

    def left(self) -> list[str]:
        kinds = ("jobs", "pods", "secrets", "services")
        return [one["metadata"]["name"] for kind in kinds for one in self.server.list(kind)]

    def succeed(self) -> Job:
        job = submit(self.user, replicas=2, secrets={"TOKEN": "x"})
        self.until(job, "Running")
        names = [one["metadata"]["name"] for one in self.server.list("jobs")]
        assert names == [f"{job.public_id}-1"]
        self.server.finish_pods()
        self.until(job, "Succeeded")
        return self.tidy(job)

    def stop(self) -> Job:
        job = submit(self.user, replicas=2, secrets={"TOKEN": "x"})
        self.until(job, "Running")
        services.stop(actor=self.user, public_id=job.public_id, origin=Origin())
        self.until(job, "Stopped")
        return self.tidy(job)

    def tidy(self, job: Job) -> Job:
        store_logs()
        eventually(lambda: self.worker.settle(1) or not self.left(), "the removal of everything", pause=0.01)
        self.worker.settle(1)
        return job


@pytest.mark.parametrize("story", [Kubernetes.succeed, Kubernetes.stop])
def test_on_an_api_server_a_worker_may_die_at_any_call(
    story: Callable[[Kubernetes], Job], cluster: Cluster, server: ApiServer, far: ResourcePool, bob: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def play(fate: Fate) -> Outcome:
        seen = outcome(story(Kubernetes(server, Worker(far, cluster, fate, monkeypatch), bob)))
        Job.objects.all().delete()
        return seen

    calm = Fate()
    expected = play(calm)
    calm.counts = type(calm.counts)(
        {call: min(count, 2) for call, count in calm.counts.items() if not call.startswith(WRITES)}
    )
    for point in calm.points():
        assert play(Fate(point)) == expected, f"after a crash {point}"


REQUESTS = [
    {"verb": "create", "resource": "secrets"},
    {"verb": "create", "resource": "services"},
    {"verb": "create", "resource": "jobs"},
    {"verb": "patch", "resource": "secrets"},
    {"verb": "patch", "resource": "services"},
    {"verb": "list", "resource": "jobs"},
    {"verb": "list", "resource": "pods"},
    {"verb": "delete", "resource": "jobs"},
]


@pytest.mark.parametrize("action", [BEFORE, AFTER, "timeout"])
def test_any_request_may_fail_before_or_after_its_effect(
    action: str, cluster: Cluster, server: ApiServer, far: ResourcePool, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Kubernetes(server, Worker(far, cluster, Fate(), monkeypatch), bob)
    expected = {story: outcome(story(world)) for story in (Kubernetes.succeed, Kubernetes.stop)}
    faults = {BEFORE: "drop", AFTER: "drop_after", "timeout": "silence"}
    for request in REQUESTS:
        story = Kubernetes.stop if request["verb"] == "delete" else Kubernetes.succeed
        server.faults.add(Fault(faults[action], count=1, **request))
        assert outcome(story(world)) == expected[story], f"{action} {request}"
        assert not server.faults.active, f"nothing was asked for: {request}"
