"""Terminals where several web processes run: a connection that reaches another one comes to its session anyway."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from tests.processes import free_port
from tests.stack.stack import BASE_DIR, Stack, is_running, wait_until
from tests.stack.test_terminal import Terminal, address, end, sessions_of, sleeper, terminal


@dataclass
class SecondWeb:
    """Runs from the first `through` on, and again after it has ended."""

    stack: Stack
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def through(self, url: str) -> str:
        """The address, at this process."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        return f"ws://127.0.0.1:{self.port}/" + url.partition("//")[2].partition("/")[2]

    def start(self) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "SECRET_KEY"},
            "DATA_DIR": str(self.stack.data_dir),
            "SECRET_KEY_FILE": str(self.stack.data_dir / "secret_key"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "LOCAL_POOL_ENABLED": "1",
        }
        self.process = subprocess.Popen([sys.executable, "manage.py", "web"], cwd=BASE_DIR, env=environment)
        wait_until(lambda: answers(self.port), 30, "the second web process's start")

    def end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def second(stack: Stack) -> Iterator[SecondWeb]:
    web = SecondWeb(stack)
    yield web
    web.end(signal.SIGKILL)


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def job(stack: Stack) -> Iterator[str]:
    job_id = sleeper(stack)
    yield job_id
    end(stack.client(), job_id)


async def shell_of(shell: Terminal) -> int:
    await shell.socket.send(b"echo shell=$$.\n")
    return int(await shell.until(r"shell=(\d+)\."))


async def test_a_session_is_come_back_to_through_another_web_process(stack: Stack, second: SecondWeb, job: str) -> None:
    async with terminal(second.through(address(stack, job)) + "?cols=100&rows=30") as first:
        pid = await shell_of(first)
        session = first.told[0]["sessionId"]
        first.socket.transport.abort()
    client = stack.client()
    wait_until(lambda: not sessions_of(client, job)[0]["attached"], 5, "the server's notice")
    async with terminal(address(stack, job, f"?sessionId={session}")) as again:
        assert await shell_of(again) == pid
        ready = again.told[0]
        assert (ready["resumed"], ready["cols"], ready["rows"]) == (True, 100, 30)
        await again.socket.send(b'{"operation":"resize","cols":91,"rows":33}'.decode())
        await again.socket.send(b"stty size; head -c 3000000 /dev/zero | tr '\\0' a; echo do''ne; exit 7\n")
        await again.until("33 91")
        await again.until("done")
        assert await again.until_closed() == 1000
    assert (again.told[-1]["reason"], again.told[-1]["code"]) == ("exited", 7)


async def test_a_client_of_another_web_process_that_is_done_leaves_nothing(
    stack: Stack, second: SecondWeb, job: str
) -> None:
    async with terminal(address(stack, job)) as first:
        pid = await shell_of(first)
        session = first.told[0]["sessionId"]
        async with terminal(second.through(address(stack, job, f"?sessionId={session}"))) as again:
            assert await shell_of(again) == pid
            assert await first.until_closed() == 4412
        await asyncio.to_thread(wait_until, lambda: not is_running(pid), 5, "the end of the shell")


async def test_the_web_process_in_between_restarts_and_the_session_stays(
    stack: Stack, second: SecondWeb, job: str
) -> None:
    async with terminal(address(stack, job)) as first:
        pid = await shell_of(first)
        session = first.told[0]["sessionId"]
        first.socket.transport.abort()
    async with terminal(second.through(address(stack, job, f"?sessionId={session}"))) as again:
        assert await shell_of(again) == pid
        await asyncio.to_thread(second.end, signal.SIGTERM)
        assert await again.until_closed() == 1012
    assert (again.told[-1]["reason"], again.told[-1]["sessionOpen"]) == ("restarting", True)
    async with terminal(address(stack, job, f"?sessionId={session}")) as third:
        assert await shell_of(third) == pid


async def test_the_web_process_that_has_the_session_dies(stack: Stack, second: SecondWeb, job: str) -> None:
    async with terminal(second.through(address(stack, job))) as first:
        pid = await shell_of(first)
        session = first.told[0]["sessionId"]
        first.socket.transport.abort()
    async with terminal(address(stack, job, f"?sessionId={session}")) as again:
        await shell_of(again)
        second.end(signal.SIGKILL)
        assert await again.until_closed() == 4503
    assert (again.told[-1]["reason"], again.told[-1]["sessionOpen"]) == ("unavailable", True)
    await asyncio.to_thread(wait_until, lambda: not is_running(pid), 5, "the end of the shell")
