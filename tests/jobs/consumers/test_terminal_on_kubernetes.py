"""The web terminal in a pod of a cluster, from the ticket to the exit code, on the double."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from jobs import clusters
from jobs.cluster.base import EXEC_MARK
from jobs.cluster.kubernetes.streams import KubernetesStreams
from jobs.consumers import terminal as consumers
from jobs.models import Job, Pod, ResourcePool, TerminalSession
from jobs.terminal import broker, records
from tests.jobs.consumers.test_terminal import Visitor, database, ticket_for
from tests.jobs.terminal.pods import pool_on, running_pod_on
from tests.kube import ApiServer
from tests.kube.kubelet.watchdog import marked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def cluster(server: ApiServer, tmp_path: Path, settings: Any, db: None) -> ResourcePool:
    return pool_on(server, tmp_path, settings)


@pytest.fixture
def pod(server: ApiServer, job: Job, cluster: ResourcePool) -> Pod:
    return running_pod_on(server, cluster, job)


@pytest.fixture(autouse=True)
async def _streams(cluster: ResourcePool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    streams = clusters.streams_for(cluster)
    assert isinstance(streams, KubernetesStreams)
    monkeypatch.setattr(consumers, "BROKER", broker.Broker())
    yield
    await streams.client.aclose()
    clusters.kubernetes_streams.cache_clear()


async def visit(user: User, pod: Pod) -> Visitor:
    ticket = await database(lambda: ticket_for(user, pod))
    return await Visitor(f"/webterminal/{ticket}?cols=101&rows=31").open()


async def ended(record: TerminalSession) -> None:
    async with asyncio.timeout(20):
        while marked(f"{EXEC_MARK}={records.mark_of(record)}".encode()):
            await asyncio.sleep(0.02)


async def test_a_shell_from_its_first_line_to_its_exit_code(pod: Pod, bob: User) -> None:
    shell = await visit(bob, pod)
    await shell.until_told("ready")
    await shell.type("stty size; (sleep 300 &) ; exit 7\n")
    assert await shell.until_closed() == 1000
    assert "31 101" in shell.shown.decode()
    assert (shell.end["code"], shell.end["reason"]) == (7, "exited")
    record = await database(TerminalSession.objects.get)
    assert (record.end_reason, record.exit_code) == ("exited", 7)
    await ended(record)
    await shell.leave()


async def test_a_visitor_who_vanishes_leaves_nothing(pod: Pod, bob: User) -> None:
    shell = await visit(bob, pod)
    await shell.type("sleep 300 & echo se''nt\n")
    await shell.until("sent")
    record = await database(TerminalSession.objects.get)
    assert marked(f"{EXEC_MARK}={records.mark_of(record)}".encode())
    await shell.leave()
    await ended(record)


async def test_a_lost_connection_to_the_cluster_is_told(server: ApiServer, pod: Pod, bob: User) -> None:
    shell = await visit(bob, pod)
    await shell.type("echo he''re\n")
    await shell.until("here")
    server.close_connections()
    await shell.until_closed()
    assert shell.end["reason"] == "unavailable"
    await ended(await database(TerminalSession.objects.get))
    await shell.leave()


async def test_the_pods_end_ends_the_terminal(server: ApiServer, pod: Pod, bob: User) -> None:
    shell = await visit(bob, pod)
    await shell.type("echo he''re\n")
    await shell.until("here")
    server.delete_pod("the-pod", grace_seconds=1)
    await shell.until_closed()
    assert shell.end["reason"] == "pod_ended"
    await shell.leave()
