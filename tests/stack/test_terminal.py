"""A web terminal in a real job, over a real WebSocket, as a client that has read docs/terminal.md would open it."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.stack.stack import Client, Stack, is_running, wait_until

SECRET = "only-in-the-pod"
SIDE_BY_SIDE = 4
POOLED = (15, 5, 0)  # descriptors, threads, children
HOME = {"name": "HOME", "value": "/nowhere"}  # no start-up files of whoever runs the tests


@pytest.fixture
def job(stack: Stack) -> Iterator[str]:
    """The id of a job that runs until it is deleted."""
    job_id = sleeper(stack)
    yield job_id
    end(stack.client(), job_id)


def sleeper(stack: Stack) -> str:
    client = stack.client()
    body = {
        "jobName": "sleeper",
        "image": "none",
        "command": ["sleep", "600"],
        "envs": [{"name": "TOKEN", "value": SECRET, "secret": True}, HOME],
        "terminationGracePeriodSeconds": 1,
    }
    answer = client.post("/api/jobs/create", json=body)
    assert answer.status_code == 201, answer.text
    job_id: str = answer.json()["data"]["jobId"]
    wait_until(lambda: status(client, job_id) == "Running", 30, "the job's start")
    return job_id


def end(client: Client, job_id: str) -> None:
    """A job goes on without the platform: nothing of it shall run once its test is over."""
    client.post(f"/api/jobs/{job_id}/stop")
    wait_until(lambda: status(client, job_id) == "Stopped", 30, "the job's end")


def status(client: Client, job_id: str) -> str:
    return str(client.get(f"/api/jobs/{job_id}").json()["data"]["status"])


def pod_of(client: Client, job_id: str) -> str:
    return str(client.get(f"/api/jobs/{job_id}/pods").json()["data"]["pods"][0]["podName"])


def address(stack: Stack, job_id: str, query: str = "", client: Client | None = None) -> str:
    client = client or stack.client()
    answer = client.get(f"/api/jobs/{job_id}/pods/{pod_of(client, job_id)}/webterminal{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    url: str = answer.json()["data"]["webTerminalUrl"]
    assert re.fullmatch(rf"{stack.websocket_url}/webterminal/[\w-]{{43}}", url)
    return url


class Terminal:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.shown = b""  # the last of it
        self.told: list[dict[str, Any]] = []

    async def next(self) -> None:
        frame = await self.socket.recv()
        if isinstance(frame, bytes):
            self.shown = (self.shown + frame)[-10_000:]
        else:
            self.told.append(json.loads(frame))

    async def until(self, pattern: str) -> str:
        """What the pattern's group matched, or all of it."""
        try:
            async with asyncio.timeout(30):
                while not (found := re.search(pattern.encode(), self.shown)):
                    await self.next()
        except TimeoutError:
            raise AssertionError(f"{pattern!r} was not shown: {self.shown[-300:]!r}, {self.told}") from None
        return found[found.re.groups].decode()

    async def until_closed(self) -> int:
        async with asyncio.timeout(30):
            while True:
                try:
                    await self.next()
                except ConnectionClosed as closed:
                    assert closed.rcvd is not None
                    return closed.rcvd.code


@asynccontextmanager
async def terminal(url: str, **options: Any) -> AsyncIterator[Terminal]:
    async with websockets.connect(url, max_size=None, **options) as socket:
        yield Terminal(socket)


async def test_a_shell_in_a_real_job(stack: Stack, job: str) -> None:
    async with terminal(f"{address(stack, job)}?cols=120&rows=32") as shell:
        await shell.socket.send(b"echo $JOB_ID; pwd; stty size; echo $TOKEN; exit 7\n")
        assert await shell.until_closed() == 1000
    shown = shell.shown.decode()
    assert f"\r\n{job}\r\n" in shown.replace("\x1b[?2004l\r", "\r\n").replace("\r\n\r\n", "\r\n")
    assert str(stack.data_dir / "work" / job) in shown
    assert "32 120" in shown
    assert SECRET in shown
    assert shell.told[0]["operation"] == "ready"
    assert shell.told[-1] == {
        "operation": "exit",
        "code": 7,
        "reason": "exited",
        "message": shell.told[-1]["message"],
        "sessionOpen": False,
    }


async def test_an_address_is_good_once_and_never_logged(stack: Stack, job: str) -> None:
    url = address(stack, job)
    async with terminal(url) as shell:
        await shell.socket.send(b"exit\n")
        await shell.until_closed()
    async with terminal(url) as again:
        assert await again.until_closed() == 4401
    assert url.rpartition("/")[2] not in stack.output


async def test_a_page_of_another_site_opens_nothing(stack: Stack, job: str) -> None:
    url = address(stack, job)
    async with terminal(url, origin="http://evil.example") as stranger:
        assert await stranger.until_closed() == 4403
    async with terminal(url, origin=stack.url) as own:
        await own.socket.send(b"exit\n")
        assert await own.until_closed() == 1000


async def test_a_flood_does_not_fill_the_server_nor_shut_out_ctrl_c(stack: Stack, job: str) -> None:
    web = stack.pid("web")
    async with terminal(address(stack, job), max_queue=1) as shell:  # no acknowledgement, and soon no reading
        await shell.socket.send(
            b'sh -c \'trap "echo inter""rupted; exit" INT; echo sta""rted; while :; do yes; done\'\n'
        )
        await shell.until("started")
        before = resident(web)
        await asyncio.sleep(1)
        assert resident(web) - before < 32 << 20
        await shell.socket.send(b"\x03")
        await shell.until("interrupted")


def resident(pid: int) -> int:
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match
    return int(match[1]) * 1024


async def test_the_job_s_end_ends_the_terminal_and_all_that_was_started_in_it(stack: Stack, job: str) -> None:
    async with terminal(address(stack, job)) as shell:
        await shell.socket.send(b"setsid sleep 611 & echo pid=$!.\n")
        child = int(await shell.until(r"pid=(\d+)\."))
        answer = await asyncio.to_thread(stack.client().post, f"/api/jobs/{job}/stop")
        assert answer.status_code == 200
        assert await shell.until_closed() == 4410
    assert shell.told[-1]["reason"] == "pod_ended"
    await asyncio.to_thread(wait_until, lambda: not is_running(child), 5, "the end of what was started")


async def test_a_dropped_connection_is_taken_up_again_and_a_client_that_is_done_leaves_nothing(
    stack: Stack, job: str
) -> None:
    async with terminal(address(stack, job)) as shell:
        await shell.socket.send(b"echo shell=$$.\n")
        pid = int(await shell.until(r"shell=(\d+)\."))
        session = shell.told[0]["sessionId"]
        shell.socket.transport.abort()
    client = stack.client()
    wait_until(lambda: not sessions_of(client, job)[0]["attached"], 5, "the server's notice")
    async with terminal(address(stack, job, f"?sessionId={session}")) as again:
        assert int(await again.until(r"shell=(\d+)\.")) == pid
        assert again.told[0]["resumed"] is True
    await asyncio.to_thread(wait_until, lambda: not is_running(pid), 5, "the end of the shell")
    wait_until(lambda: not sessions_of(client, job), 5, "the end of the session")


def sessions_of(client: Client, job_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/jobs/{job_id}/terminal-sessions").json()["data"]["sessions"]
    return found


async def test_terminals_opened_dropped_and_come_back_to_leave_nothing(stack: Stack, job: str) -> None:
    client, web, pids = stack.client(), stack.pid("web"), list[int]()

    async def cycle(own: Client) -> None:
        async with terminal(await asyncio.to_thread(address, stack, job, "", own)) as shell:
            await shell.socket.send(b"echo shell=$$.\n")
            pids.append(int(await shell.until(r"shell=(\d+)\.")))
            shell.socket.transport.abort()
        query = f"?sessionId={shell.told[0]['sessionId']}"
        async with terminal(await asyncio.to_thread(address, stack, job, query, own)) as again:
            await again.next()

    async def cycles(number: int) -> None:
        own = stack.client()
        for _ in range(number):
            await cycle(own)

    await asyncio.gather(*(cycles(2) for _ in range(SIDE_BY_SIDE)))  # what is made once stays
    await asyncio.to_thread(wait_until, lambda: not sessions_of(client, job), 15, "the end of the first sessions")
    before, memory = holdings(web), resident(web)
    await asyncio.gather(*(cycles(10) for _ in range(SIDE_BY_SIDE)))
    await asyncio.to_thread(wait_until, lambda: not sessions_of(client, job), 15, "the end of the sessions")
    await asyncio.to_thread(wait_until, lambda: fewer(holdings(web), before), 15, f"what was held before: {before}")
    assert not [pid for pid in pids if is_running(pid)]
    assert resident(web) - memory < 16 << 20


def holdings(pid: int) -> tuple[int, int, int]:
    """Descriptors, threads and children."""
    process = Path(f"/proc/{pid}")
    children = (process / f"task/{pid}/children").read_text().split()
    return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir())), len(children)


def fewer(now: tuple[int, int, int], before: tuple[int, int, int]) -> bool:
    """But for what a pool's last threads hold, which it starts when it first needs them."""
    return all(one <= other + more for one, other, more in zip(now, before, POOLED, strict=True))


async def test_a_session_is_ended_by_a_call(stack: Stack, job: str) -> None:
    async with terminal(address(stack, job)) as shell:
        await shell.socket.send(b"echo shell=$$.\n")
        pid = int(await shell.until(r"shell=(\d+)\."))
        client, session = stack.client(), shell.told[0]["sessionId"]
        answer = await asyncio.to_thread(client.delete, f"/api/jobs/{job}/terminal-sessions/{session}")
        assert answer.status_code == 200
        assert await shell.until_closed() == 4415
    assert not is_running(pid)


async def test_a_restart_of_the_web_process_says_so_and_leaves_nothing(own_stack: Stack) -> None:
    own_stack.start()
    job_id = sleeper(own_stack)
    async with terminal(address(own_stack, job_id)) as shell:
        await shell.socket.send(b"echo shell=$$.\n")
        pid = int(await shell.until(r"shell=(\d+)\."))
        own_stack.kill("web", signal.SIGTERM)
        assert await shell.until_closed() == 1012
    assert (shell.told[-1]["reason"], shell.told[-1]["sessionOpen"]) == ("restarting", False)
    assert not is_running(pid)
    wait_until(lambda: own_stack.readiness(), 30, "the web process's return")
    client = own_stack.client()
    assert sessions_of(client, job_id) == []
    end(client, job_id)


async def test_a_killed_web_process_leaves_no_shell(own_stack: Stack) -> None:
    own_stack.start()
    job_id = sleeper(own_stack)
    async with terminal(address(own_stack, job_id)) as shell:
        await shell.socket.send(b"echo shell=$$.\n")
        pid = int(await shell.until(r"shell=(\d+)\."))
        own_stack.kill("web")
        with pytest.raises(ConnectionClosed):
            while True:
                await shell.next()
    await asyncio.to_thread(wait_until, lambda: not is_running(pid), 5, "the end of the shell")
    wait_until(lambda: own_stack.readiness(), 30, "the web process's return")
    client = own_stack.client()
    assert status(client, job_id) == "Running"
    end(client, job_id)
