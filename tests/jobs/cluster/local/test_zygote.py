"""The process that forks shims may die or leave at any time: nobody notices but by a few milliseconds."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.cluster.base import AttemptSpec
from jobs.cluster.errors import Unavailable
from jobs.cluster.local import spawn
from tests.jobs.cluster.local.test_stop import alive
from tests.jobs.cluster.worlds import LocalWorld, eventually, spec

WAITS = ("/bin/sh", "-c", "echo on; sleep 600 & wait")
CREATOR = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_platform.settings")
from pathlib import Path
from jobs.cluster.base import AttemptSpec
from jobs.cluster.errors import Unavailable
from jobs.cluster.local import spawn
from tests.jobs.cluster.worlds import LocalWorld, spec
world = LocalWorld(Path(sys.argv[1]))
world.cluster.create_attempt(spec("/bin/sh", "-c", "echo on; sleep 600", job_id=sys.argv[2]))
print(spawn.zygote().pid, flush=True)
sys.stdin.read()
"""


def zygote_pid() -> int:
    return spawn.zygote().pid


def test_many_shims_come_from_one(local: LocalWorld) -> None:
    local.run(spec("true"))
    before = zygote_pid()
    local.run(spec("true", replicas=3))
    assert zygote_pid() == before


def test_a_killed_one_is_replaced_and_its_shims_go_on(local: LocalWorld) -> None:
    ref = local.running(spec(*WAITS))
    before = zygote_pid()
    os.kill(before, signal.SIGKILL)
    eventually(lambda: not alive(before), "the end of the zygote")
    assert local.run(spec("true")).exit_code == 0
    assert zygote_pid() != before
    assert local.seen(ref).all_running
    local.cluster.delete_attempt(ref, grace_seconds=5)
    assert local.over(ref).all_over
    eventually(lambda: local.cluster.observe([]) == {} and not Path(f"/proc/{before}").exists(), "its burial")


def test_it_ends_with_a_killed_creator_and_the_command_goes_on(local: LocalWorld) -> None:
    made = spec("true")
    command = [sys.executable, "-c", CREATOR, str(local.root), made.ref.job_id]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    creator = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    assert creator.stdout is not None
    pid = int(creator.stdout.readline())
    eventually(lambda: local.output(made.ref), "the command's output")
    creator.kill()
    creator.communicate()
    eventually(lambda: not alive(pid), "the end of the zygote")
    assert local.seen(made.ref).all_running


def test_without_work_it_leaves_and_says_so_by_a_closed_door() -> None:
    ours, theirs = socket.socketpair()
    impatient = "import sys; sys.path.append(sys.argv[1]); from shim import zygote; zygote.IDLE_MS = 10; zygote.serve()"
    command = [sys.executable, "-I", "-S", "-c", impatient, str(spawn.SHIM.parents[1])]
    process = subprocess.Popen(command, stdin=theirs.fileno())
    theirs.close()
    assert process.wait(30) == 0
    with ours, open(os.devnull) as nothing, pytest.raises(BrokenPipeError):  # noqa: PTH123
        socket.send_fds(ours, [b"+"], [nothing.fileno()] * 2)


def test_a_forked_copy_of_the_creator_starts_its_own(local: LocalWorld) -> None:
    local.run(spec("true"))
    ours = spawn.zygote()
    theirs = spawn.Zygote(ours.channel, ours.pid, owner=ours.owner + 1)
    spawn._zygote = theirs
    assert zygote_pid() != ours.pid
    spawn.dismiss()
    spawn._zygote = ours


def test_killed_again_and_again_it_loses_and_repeats_nothing(local: LocalWorld) -> None:
    made = [spec("/bin/sh", "-c", "echo ran") for _ in range(40)]
    with ThreadPoolExecutor(4) as threads:
        creations = [threads.submit(insist_on_creating, local, each) for each in made]
        for done in range(0, 40, 5):
            eventually(lambda done=done: sum(each.done() for each in creations) > done, "the next creations")  # type: ignore[misc]
            kill_zygote()
    for each in made:
        assert local.over(each.ref).all_succeeded
        assert local.output(each.ref) == b"ran\n"


def insist_on_creating(local: LocalWorld, made: AttemptSpec) -> None:
    """As the platform does: what may or may not have taken effect is asked for again."""

    def create() -> bool:
        try:
            return bool(local.cluster.create_attempt(made))
        except Unavailable:
            return False

    eventually(create, "the creation")


def kill_zygote() -> None:
    found = spawn._zygote
    if found is not None:
        os.kill(found.pid, signal.SIGKILL)  # not collected before reap() below, so the number is still its own
        eventually(lambda: not alive(found.pid), "its end")
        spawn.reap()


def test_a_default_time_limit_of_sockets_does_not_reach_the_shims(local: LocalWorld) -> None:
    """As kombu sets it for the whole process while it connects to the broker again."""
    spawn.dismiss()
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(1.0)
    try:
        ends = spawn.pair()
        assert all(os.get_blocking(end.fileno()) for end in ends)
        for end in ends:
            end.close()
        assert local.run(spec("true")).exit_code == 0
    finally:
        socket.setdefaulttimeout(before)
