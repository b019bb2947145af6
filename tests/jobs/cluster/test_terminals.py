"""What every implementation of the port promises of terminals (jobs.cluster.base.ExecSession)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from jobs.cluster.base import EXEC_MARK, ExecSession, ObjectRef, PodRef
from jobs.cluster.errors import NotFound
from tests.jobs.cluster.terminals import rest, until
from tests.jobs.cluster.worlds import World, spec

WAITS = ("/bin/sh", "-c", "echo waiting; sleep 600 & wait")
INTERRUPTIBLE = "trap 'echo interrupted; exit 5' INT; echo started; while :; do sleep 1; done"
# A zombie is gone: the first process of a container need not reap what it is given.
LOOK = 'case $(cat "/proc/$1/stat" 2>/dev/null) in "" | *") Z "*) echo gone ;; *) echo there ;; esac'
Open = Callable[..., Awaitable[ExecSession]]


@pytest.fixture
def ref(world: World) -> ObjectRef:
    return world.running(spec(*WAITS, envs=(("OF_THE_JOB", "seen"),)))


@pytest.fixture
def pod(world: World, ref: ObjectRef) -> PodRef:
    return world.seen(ref).pods[0].ref


@pytest.fixture
async def shell(world: World, pod: PodRef) -> AsyncIterator[Open]:
    opened: list[ExecSession] = []
    streams = world.streams()

    async def open_one(*command: str, env: Mapping[str, str] | None = None) -> ExecSession:
        session = await streams.open_exec(pod, command=command, env=env or {}, cols=80, rows=24)
        opened.append(session)
        return session

    yield open_one
    for session in opened:
        await session.aclose()
    await world.close_streams(streams)


async def test_it_is_a_terminal_with_the_jobs_environment(shell: Open) -> None:
    session = await shell(env={"MINE": "a b $HOME '\"", EXEC_MARK: "test-1."})
    await session.write(b'echo "job=$OF_THE_JOB term=$TERM mine=$MINE"; tty; exit 7\n')
    shown = await rest(session)
    assert "job=seen term=xterm-256color mine=a b $HOME '\"" in shown
    assert "/dev/pts/" in shown
    assert await session.wait() == 7


async def test_it_knows_the_size_and_its_changes(shell: Open) -> None:
    session = await shell()
    await session.write(b"stty size\n")
    await until(session, "24 80")
    await session.resize(cols=133, rows=41)
    await session.write(b"stty size\n")
    await until(session, "41 133")


@pytest.mark.parametrize("code", [0, 3, 255])
async def test_the_exit_code_is_told(shell: Open, code: int) -> None:
    session = await shell("/bin/sh", "-c", f"exit {code}")
    await rest(session)
    assert await session.wait() == code


@pytest.mark.parametrize(("name", "code"), [("KILL", 137), ("TERM", 143)])
async def test_a_signal_is_told_as_128_and_its_number(shell: Open, name: str, code: int) -> None:
    session = await shell("/bin/sh", "-c", f"kill -{name} $$")
    await rest(session)
    assert await session.wait() == code


async def test_a_command_that_is_not_there_says_so(shell: Open) -> None:
    session = await shell("/no/such/command")
    assert "/no/such/command" in await rest(session)
    assert await session.wait() == 127


async def test_a_word_of_the_command_is_never_read_by_a_shell(shell: Open) -> None:
    session = await shell("/bin/echo", "$(id)", "`id`", "a  b", "'\"; id")
    assert await rest(session) == "$(id) `id` a  b '\"; id\r\n"


async def test_a_child_that_holds_the_terminal_does_not_keep_it_open(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "sleep 300 & echo last words; exit 3")
    assert "last words" in await rest(session)
    assert await session.wait() == 3


async def test_ctrl_c_interrupts(shell: Open) -> None:
    session = await shell(
        "/bin/sh", "-c", "trap 'echo interrupted; exit 5' INT; echo started; while :; do sleep 1; done"
    )
    await until(session, "started\r\n")
    await session.write(b"\x03")
    assert "interrupted" in await rest(session)
    assert await session.wait() == 5


async def test_large_input_arrives_whole(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "stty raw -echo; echo go; head -c 300000 | sha256sum")
    await until(session, "go")
    data = (bytes(range(256)) * 1200)[:300_000]
    writing = asyncio.create_task(session.write(data))
    await until(session, hashlib.sha256(data).hexdigest(), seconds=30)
    await writing


async def test_large_output_arrives_whole(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "stty raw; head -c 3000000 /dev/zero | tr '\\0' x; printf end")
    shown = await rest(session, seconds=30)
    assert shown == "x" * 3_000_000 + "end"
    assert await session.wait() == 0


async def test_a_flood_lets_other_tasks_run(shell: Open) -> None:
    session = await shell("/usr/bin/yes")
    turns = reads = size = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count())
    while size < 1 << 20:
        size += len(await session.read())
        reads += 1
    counter.cancel()
    assert turns >= reads


@pytest.mark.parametrize(
    "command",
    [
        "sleep 300 & echo pid=$!.",
        "nohup sleep 300 >/dev/null 2>&1 & echo pid=$!.",
        "setsid sleep 300 & echo pid=$!.",
        "(trap '' HUP TERM; while :; do sleep 1; done) & echo pid=$!.",
        "sleep 300 & kill -STOP $!; echo pid=$!.",
    ],
)
async def test_closing_leaves_no_process(shell: Open, command: str) -> None:
    session = await shell()
    await session.write(command.encode() + b" echo se''nt\n")
    shown = await until(session, "sent\r\n")
    pid = shown.rpartition("pid=")[2].partition(".")[0]
    await session.aclose()
    look = await shell("/bin/sh", "-c", LOOK, "sh", pid)
    assert await rest(look) == "gone\r\n"


async def test_the_pods_end_ends_the_terminal(world: World, shell: Open, ref: ObjectRef) -> None:
    session = await shell()
    await session.write(b"echo he''re\n")
    await until(session, "here\r\n")
    await asyncio.to_thread(world.cluster.delete_attempt, ref, grace_seconds=1)
    await rest(session, seconds=30)
    with pytest.raises(NotFound):
        await session.wait()


async def test_closing_wakes_who_reads_and_who_waits(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "echo ready; exec sleep 300")
    await until(session, "ready")
    reading, waiting = asyncio.create_task(session.read()), asyncio.create_task(session.wait())
    await asyncio.sleep(0)
    await session.aclose()
    assert (await reading).strip() == b""
    assert await waiting == 129
    assert await session.read() == b""


async def test_a_pod_with_another_uid_has_no_terminal(world: World, pod: PodRef) -> None:
    streams = world.streams()
    for wrong in (replace(pod, uid="0" * 32), replace(pod, replica=7), replace(pod, attempt=2)):
        with pytest.raises(NotFound):
            await streams.open_exec(wrong, command=(), env={}, cols=80, rows=24)
    await world.close_streams(streams)


async def test_a_pod_that_is_over_has_no_terminal(world: World) -> None:
    pod = world.run(spec("/bin/echo", "done")).ref
    streams = world.streams()
    with pytest.raises(NotFound):
        await streams.open_exec(pod, command=(), env={}, cols=80, rows=24)
    await world.close_streams(streams)
