"""Terminals in pods of the double: what Kubernetes does that no terminal should show (see also test_terminals.py)."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.cluster.base import EXEC_MARK, PodRef
from jobs.cluster.errors import Forbidden, NotFound, Unavailable
from jobs.cluster.kubernetes import exec as terminal
from jobs.cluster.kubernetes import exec_cleanup
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.exec import KubernetesSession
from jobs.cluster.kubernetes.exec_target import Target
from jobs.cluster.kubernetes.log_source import Life, LogSource
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.identifiers import new_job_id
from tests.jobs.cluster.kubernetes.pods import sleeping_pod
from tests.jobs.cluster.kubernetes.relay import Relay
from tests.jobs.cluster.terminals import rest, until
from tests.kube import ApiServer
from tests.kube.faults import Fault
from tests.kube.kubelet.watchdog import marked
from tests.processes import resident_bytes

V5 = "v5.channel.k8s.io"
V4 = "v4.channel.k8s.io"
Open = Callable[..., Awaitable[KubernetesSession]]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def access(server: ApiServer, tmp_path: Path) -> Access:
    path = server.kubeconfig(tmp_path / "pool.yaml")
    return Access(PoolOptions(kubeconfig=path.name), tmp_path, connect_seconds=2.0, read_seconds=5.0)


@pytest.fixture
def pod(server: ApiServer) -> PodRef:
    return sleeping_pod(server, new_job_id())


@dataclass
class Shells:
    client: AsyncClient
    pod: PodRef
    opened: list[KubernetesSession]

    async def __call__(self, *command: str, mark: str = "") -> KubernetesSession:
        env = {EXEC_MARK: mark} if mark else {}
        session = await terminal.open_session(self.client, self.pod, command=command, env=env, cols=80, rows=24)
        self.opened.append(session)
        return session


@pytest.fixture
async def shell(access: Access, pod: PodRef) -> AsyncIterator[Shells]:
    shells = Shells(AsyncClient(access), pod, [])
    yield shells
    for session in shells.opened:
        await session.aclose()
    await shells.client.aclose()


def left(mark: str) -> list[int]:
    return marked(f"{EXEC_MARK}={mark}".encode())


async def nothing_left(mark: str) -> None:
    async with asyncio.timeout(20):
        while left(mark):
            await asyncio.sleep(0.02)


async def test_a_cluster_that_knows_the_older_protocol_alone(server: ApiServer, shell: Shells) -> None:
    server.kubelet.without_protocols = frozenset({V5})
    session = await shell()
    assert session.ws.protocol == V4
    await session.write(b"until [ \"$(stty size)\" = '24 80' ]; do sleep 0.02; done; echo si''zed; exit 3\n")
    assert "sized" in await rest(session)
    assert await session.wait() == 3


async def test_the_newer_protocol_is_preferred(shell: Shells) -> None:
    assert (await shell()).ws.protocol == V5


async def test_a_cluster_that_knows_neither_is_said_to_refuse(server: ApiServer, shell: Shells) -> None:
    server.kubelet.without_protocols = frozenset({V5, V4})
    with pytest.raises(Forbidden):
        await shell()


async def test_without_the_right_to_create_it_is_refused(server: ApiServer, access: Access, pod: PodRef) -> None:
    token = server.add_token(denied=[("create", "pods/exec")])
    server.kubeconfig(access.kubeconfig_dir / "pool.yaml", token=token)
    client = AsyncClient(access)
    with pytest.raises(Forbidden):
        await terminal.open_session(client, pod, command=(), env={}, cols=80, rows=24)
    await client.aclose()


async def test_a_flood_waits_in_the_pod_when_nobody_reads(shell: Shells, tmp_path: Path) -> None:
    """So much as the sockets' buffers on both sides hold, and no more."""
    counter = tmp_path / "written"
    script = 'i=0; while :; do head -c 65536 /dev/zero | tr "\\0" x; i=$((i + 1)); echo $i >"$1"; done'
    session = await shell("/bin/bash", "-c", script, "bash", str(counter))
    await until(session, "xxxx")
    before, still, memory = -1, 0, resident_bytes(os.getpid())
    async with asyncio.timeout(60):
        while still < 30:  # stands still for so many looks
            await asyncio.sleep(0.02)
            now = int(counter.read_text().strip() or 0) if counter.exists() else 0
            still = still + 1 if now == before else 0
            before = now
    assert resident_bytes(os.getpid()) - memory < 16 << 20
    assert len(await session.read()) > 0


async def test_a_flood_can_be_interrupted_although_nobody_reads(shell: Shells) -> None:
    session = await shell("/bin/sh", "-c", "trap 'exit 5' INT; while :; do yes; done")
    await until(session, "y\r\ny")
    await session.write(b"\x03")
    await rest(session, seconds=30)
    assert await session.wait() == 5


async def test_a_program_that_does_not_read_holds_up_no_resize(shell: Shells) -> None:
    session = await shell("/bin/sh", "-c", "stty raw -echo; echo go; exec sleep 300")
    await until(session, "go")
    writing = asyncio.create_task(session.write(b"x" * (32 << 20)))
    async with asyncio.timeout(10):
        for cols in range(80, 180):
            await session.resize(cols=cols, rows=24)
            await asyncio.sleep(0)
    assert not writing.done()
    await session.aclose()
    await writing


async def test_a_dropped_connection_is_told_and_its_shell_ended(server: ApiServer, shell: Shells) -> None:
    mark = secrets.token_hex(8)
    session = await shell(mark=mark)
    await session.write(b"(trap '' HUP; while :; do sleep 1; done) & echo se''nt\n")
    await until(session, "sent")
    server.close_connections()
    await rest(session)
    with pytest.raises(Unavailable):
        await session.wait()
    assert left(mark)  # the cluster itself ends nothing
    await session.aclose()
    assert not left(mark)


async def test_an_idle_terminal_stays_open_by_pings(shell: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PING_SECONDS", 0.05)
    monkeypatch.setattr(terminal, "DEAD_SECONDS", 0.4)
    session = await shell("/bin/sh", "-c", "sleep 1.5; echo still here")
    assert "still here" in await rest(session)
    assert await session.wait() == 0


async def test_what_is_typed_to_a_program_that_does_not_read_kills_no_terminal(
    shell: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server answers no ping before it has passed on what came before."""
    monkeypatch.setattr(terminal, "PING_SECONDS", 0.05)
    monkeypatch.setattr(terminal, "DEAD_SECONDS", 0.4)
    session = await shell("/bin/sh", "-c", "stty raw -echo; sleep 1.5; stty sane; echo still here; exec cat >/dev/null")
    await session.write(b"x" * 200_000)
    await until(session, "still here")


async def test_a_peer_that_falls_silent_is_noticed(
    server: ApiServer, access: Access, pod: PodRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "PING_SECONDS", 0.1)
    monkeypatch.setattr(terminal, "DEAD_SECONDS", 0.5)
    monkeypatch.setattr(exec_cleanup, "TRY_SECONDS", 0.5)
    monkeypatch.setattr(exec_cleanup, "PAUSE_SECONDS", 0.1)
    relay = Relay(int(server.url.rpartition(":")[2]))
    async with relay as port:
        config = access.kubeconfig_dir / "pool.yaml"
        config.write_text(config.read_text().replace(server.url, f"https://127.0.0.1:{port}"))
        client = AsyncClient(access)
        session = await terminal.open_session(client, pod, command=(), env={}, cols=80, rows=24)
        await session.write(b"echo he''re\n")
        await until(session, "here")
        relay.silent = True
        await rest(session)
        with pytest.raises(Unavailable):
            await session.wait()
        async with asyncio.timeout(20):
            await session.aclose()
        await client.aclose()


async def test_the_pods_end_is_noticed_although_nobody_reads(
    server: ApiServer, shell: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "CHECK_SECONDS", 0.05)
    session = await shell("/usr/bin/yes")
    server.delete_pod("the-pod", grace_seconds=0)
    with pytest.raises(NotFound):
        async with asyncio.timeout(20):
            await session.wait()
    await rest(session)


async def test_an_api_server_in_trouble_ends_no_terminal(
    server: ApiServer, shell: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "CHECK_SECONDS", 0.02)
    session = await shell()
    with server.faults.applied(Fault("status", verb="list", status=503)):
        await asyncio.sleep(0.2)
        await session.write(b"echo st''ill; exit\n")
        assert "still" in await rest(session)
        assert await session.wait() == 0


async def test_a_pod_that_was_replaced_meanwhile_shows_nothing(shell: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exec knows names alone: the uid is looked at again when the connection stands."""
    looks, life = 0, LogSource.life

    async def look(self: LogSource) -> Life:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise NotFound("there is no such pod")
        return await life(self)

    monkeypatch.setattr(LogSource, "life", look)
    mark = secrets.token_hex(8)
    with pytest.raises(NotFound):
        await shell(mark=mark)
    await asyncio.gather(*exec_cleanup.RUNNING)
    assert not left(mark)


@pytest.mark.parametrize("turns", [1, 5, 20, 60])
async def test_a_cancelled_opening_leaves_nothing(access: Access, pod: PodRef, turns: int) -> None:
    client, mark = AsyncClient(access), secrets.token_hex(8)
    opening = asyncio.create_task(
        terminal.open_session(client, pod, command=(), env={EXEC_MARK: mark}, cols=80, rows=24)
    )
    for _ in range(turns):
        await asyncio.sleep(0.001)
    opening.cancel()
    try:
        await (await opening).aclose()
    except asyncio.CancelledError:
        await asyncio.gather(*exec_cleanup.RUNNING)
    await nothing_left(mark)
    await client.aclose()


async def test_a_cancelled_close_still_closes(shell: Shells) -> None:
    mark = secrets.token_hex(8)
    session = await shell(mark=mark)
    closing = asyncio.create_task(session.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await nothing_left(mark)


async def test_a_close_while_the_cluster_is_away_ends_and_the_sweep_does_the_rest(
    server: ApiServer, access: Access, shell: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_cleanup, "PAUSE_SECONDS", 0.05)
    mine, other = (secrets.token_hex(8) for _ in range(2))
    session, second = await shell(mark=mine), await shell(mark=other)
    for each in (session, second):
        await each.write(b"sleep 300 & echo se''nt\n")
        await until(each, "sent")
    server.stop_listening()
    async with asyncio.timeout(20):
        await session.aclose()
    assert left(mine)
    server.listen()
    gone = PodRef(new_job_id(), 1, 0, "no such uid")
    ended = await asyncio.to_thread(exec_cleanup.end_left, access, {gone: ["x."], shell.pod: [mine]})
    assert ended[gone] == 0
    assert ended[shell.pod] >= 2
    assert not left(mine)
    assert left(other)


async def test_the_sweep_says_which_pods_it_could_not_ask(server: ApiServer, access: Access, pod: PodRef) -> None:
    server.faults.add(Fault("status", resource="pods/exec", status=500))
    assert await asyncio.to_thread(exec_cleanup.end_left, access, {pod: ["x."]}) == {}


def files() -> int:
    """Of this process: those of the client and of the double."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def test_many_cycles_leave_nothing(shell: Shells) -> None:
    await (await shell()).aclose()
    tasks, before, mark = len(asyncio.all_tasks()), files(), secrets.token_hex(8)
    for _ in range(10):
        session = await shell(mark=mark)
        await session.write(b"sleep 300 &\n")
        await session.read()
        await session.aclose()
    shell.opened.clear()
    assert not left(mark)
    assert len(asyncio.all_tasks()) <= tasks
    async with asyncio.timeout(20):
        while files() > before + 4:
            await asyncio.sleep(0.02)


async def test_a_target_finds_its_pod_by_labels(access: Access, pod: PodRef) -> None:
    client = AsyncClient(access)
    target = Target(client, pod)
    await target.require_running()
    assert target.exec_path() == "/api/v1/namespaces/training/pods/the-pod/exec"
    await client.aclose()
