"""What terminals left in pods of a cluster is ended by the records of them."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.cluster.base import EXEC_MARK, PodRef
from jobs.cluster.kubernetes import exec as terminal
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.clusters import access, as_text
from jobs.models import Job, Pod, ResourcePool, TerminalSession
from jobs.terminal import abandoned, records
from tests.jobs.terminal.pods import pool_on, running_pod_on
from tests.kube import ApiServer
from tests.kube.faults import Fault
from tests.kube.kubelet.watchdog import marked


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    abandoned.DONE.clear()
    abandoned.TRIED.clear()


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def cluster(server: ApiServer, tmp_path: Path, settings: Any, db: None) -> ResourcePool:
    settings.LOCAL_POOL_ENABLED = False
    return pool_on(server, tmp_path, settings)


@pytest.fixture
def row(server: ApiServer, cluster: ResourcePool, job: Job) -> Pod:
    return running_pod_on(server, cluster, job)


def session(row: Pod, user: User, **fields: object) -> TerminalSession:
    return TerminalSession.objects.create(user=user, job=row.job, pod=row, **fields)


def leave_a_shell(pool: ResourcePool, row: Pod, record: TerminalSession) -> None:
    """As a web process does that is killed while it has a terminal open."""

    async def leave() -> None:
        client = AsyncClient(access(as_text(pool)))
        pod = PodRef(row.job.public_id, 1, 0, row.uid)
        opened = await terminal.open_session(
            client, pod, command=(), env={EXEC_MARK: records.mark_of(record)}, cols=80, rows=24
        )
        await opened.write(b"sleep 300 & echo se''nt\n")
        shown = b""
        while b"sent" not in shown:
            shown += await opened.read()
        for task in opened.tasks:
            task.cancel()
        await terminal.close_quickly(opened.connection)
        await client.aclose()

    asyncio.run(leave())
    assert left(record)


def left(record: TerminalSession) -> list[int]:
    return marked(f"{EXEC_MARK}={records.mark_of(record)}".encode())


def test_what_a_terminal_left_is_ended_once_it_is_over(cluster: ResourcePool, row: Pod, alice: User) -> None:
    over, still_open = session(row, alice, ended_at=timezone.now()), session(row, alice)
    for record in (over, still_open):
        leave_a_shell(cluster, row, record)
    assert abandoned.end_abandoned() >= 2
    assert not left(over)
    assert left(still_open)


def test_a_terminal_whose_server_was_killed_is_over_after_its_limit(
    cluster: ResourcePool, row: Pod, alice: User, settings: Any
) -> None:
    age = settings.TERMINAL_TOTAL_SECONDS + records.LOST_AFTER_SECONDS + 1
    record = session(row, alice, started_at=timezone.now() - timedelta(seconds=age))
    leave_a_shell(cluster, row, record)
    abandoned.end_abandoned()
    record.refresh_from_db()
    assert record.end_reason == records.LOST
    assert not left(record)


def test_a_terminal_is_over_once_its_server_is_silent_and_what_others_have_goes_on(
    cluster: ResourcePool, row: Pod, alice: User
) -> None:
    records.beat("alive", timezone.now())
    records.beat("dead", timezone.now() - timedelta(seconds=records.SILENT_SECONDS + 1))
    lost, other = session(row, alice, server_id="dead"), session(row, alice, server_id="alive")
    for record in (lost, other):
        leave_a_shell(cluster, row, record)
    abandoned.end_abandoned()
    assert not left(lost)
    assert left(other)
    open_ones = TerminalSession.objects.filter(ended_at=None)
    assert [record.pk for record in open_ones] == [other.pk]
    lost.refresh_from_db()
    assert lost.end_reason == records.LOST


def test_a_pod_is_asked_once_for_each_terminal(server: ApiServer, cluster: ResourcePool, row: Pod, alice: User) -> None:
    session(row, alice, ended_at=timezone.now())
    session(row, alice, ended_at=timezone.now())
    for _ in range(3):
        assert abandoned.end_abandoned() == 0
    assert execs(server) == 1
    session(row, alice, ended_at=timezone.now())
    abandoned.end_abandoned()
    assert execs(server) == 2


def test_terminals_of_long_ago_and_of_pods_that_are_over_are_left_alone(
    server: ApiServer, cluster: ResourcePool, row: Pod, alice: User
) -> None:
    session(row, alice, ended_at=timezone.now() - timedelta(hours=2))
    abandoned.end_abandoned()
    session(row, alice, ended_at=timezone.now())
    Pod.objects.filter(pk=row.pk).update(phase="Succeeded")
    abandoned.end_abandoned()
    assert execs(server) == 0


def test_a_pod_that_cannot_be_asked_is_asked_again_but_not_for_ever(
    server: ApiServer, cluster: ResourcePool, row: Pod, alice: User
) -> None:
    record = session(row, alice, ended_at=timezone.now())
    leave_a_shell(cluster, row, record)
    before = execs(server)
    with server.faults.applied(Fault("status", resource="pods/exec", status=500)):
        assert abandoned.end_abandoned() == 0
    assert abandoned.end_abandoned() >= 1
    assert not left(record)
    session(row, alice, ended_at=timezone.now())
    with server.faults.applied(Fault("status", resource="pods/exec", status=500)):
        for _ in range(abandoned.TRIES + 3):
            abandoned.end_abandoned()
    assert execs(server) == before + 2 + abandoned.TRIES


def test_a_pool_that_cannot_be_used_stops_nothing(cluster: ResourcePool, row: Pod, alice: User, tmp_path: Path) -> None:
    session(row, alice, ended_at=timezone.now())
    (tmp_path / "pool.yaml").unlink()
    assert abandoned.end_abandoned() == 0


def execs(server: ApiServer) -> int:
    return len(server.requests.all(resource="pods/exec"))
