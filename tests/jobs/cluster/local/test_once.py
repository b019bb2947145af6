"""One process for one (attempt, replica), whoever creates at once and whoever dies half-way."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.cluster.base import Absent, PodPhase
from jobs.cluster.errors import Unavailable
from jobs.cluster.local import creation, spawn
from jobs.cluster.local.locks import is_held
from tests.jobs.cluster.worlds import LocalWorld, eventually, spec

# A process that says when it is ready, waits for the word, creates; optionally killed at a named step.
CREATOR = """
import os, signal, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_platform.settings")
from pathlib import Path
from tests.jobs.cluster.worlds import LocalWorld, spec
from jobs.cluster.local import creation
root, job_id, die_at = sys.argv[1:]
if die_at:
    setattr(creation, die_at, lambda *args: os.kill(os.getpid(), signal.SIGKILL))
world = LocalWorld(Path(root))
made = spec("/bin/sh", "-c", "echo $RANK", job_id=job_id, replicas=3)
print("ready", flush=True)
sys.stdin.read()
print(world.cluster.create_attempt(made).uid)
"""


def creator(world: LocalWorld, job_id: str, die_at: str = "") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CREATOR, str(world.root), job_id, die_at],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
    )


def test_threads_that_create_at_once(local: LocalWorld) -> None:
    made = spec("/bin/sh", "-c", "echo $RANK", replicas=3)
    with ThreadPoolExecutor(8) as threads:
        refs = set(threads.map(lambda _: local.make().create_attempt(made), range(16)))
    assert len(refs) == 1
    assert local.over(refs.pop()).all_succeeded
    assert [local.output(made.ref, replica) for replica in range(3)] == [b"0\n", b"1\n", b"2\n"]


def test_processes_that_create_at_once(local: LocalWorld) -> None:
    made = spec("/bin/sh", "-c", "echo $RANK", replicas=3)
    processes = [creator(local, made.ref.job_id) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    uids = {process.stdout.read() for process in processes if process.stdout}
    assert [process.wait() for process in processes] == [0] * 4
    assert len(uids) == 1
    assert local.over(made.ref).all_succeeded
    assert [local.output(made.ref, replica) for replica in range(3)] == [b"0\n", b"1\n", b"2\n"]


@pytest.mark.parametrize("step", ["begin", "launch", "spawn", "shim_spec", "deliver"])
def test_a_creator_killed_at_any_step_is_followed_by_another(local: LocalWorld, step: str) -> None:
    made = spec("/bin/sh", "-c", "echo $RANK", replicas=3)
    victim = creator(local, made.ref.job_id, step)
    victim.communicate("")
    assert victim.returncode == -signal.SIGKILL
    local.cluster.create_attempt(made)
    assert local.over(made.ref).all_succeeded
    assert [local.output(made.ref, replica) for replica in range(3)] == [b"0\n", b"1\n", b"2\n"]


def test_a_command_outlives_who_created_it(local: LocalWorld) -> None:
    made = spec("/bin/sh", "-c", "echo $RANK", replicas=3)
    process = creator(local, made.ref.job_id)
    process.communicate("")
    assert local.over(made.ref).all_succeeded


def test_the_shims_are_in_sessions_of_their_own(local: LocalWorld) -> None:
    ref = local.running(spec("/bin/sh", "-c", "echo on; sleep 600"))
    pod = spawned(local, str(ref.name))
    assert os.getsid(pod) == pod
    assert os.getpgid(pod) == pod


def spawned(world: LocalWorld, attempt: str) -> int:
    started = json.loads((world.pool / attempt / "0" / "started.json").read_text())
    return int(started["shim_pid"])


def test_when_no_process_can_be_started_it_is_said_and_tried_again(
    local: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = spec("/bin/echo", "ran")
    spawn.dismiss()
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/no/such/python")
        with pytest.raises(Unavailable):
            local.cluster.create_attempt(made)
    assert local.seen(made.ref).pods[0].phase is PodPhase.PENDING
    local.cluster.create_attempt(made)
    assert local.over(made.ref).all_succeeded


def test_a_directory_that_was_only_just_made_is_no_attempt_yet(local: LocalWorld) -> None:
    made = spec("/bin/echo", "ran")
    (local.pool / made.ref.name).mkdir(parents=True)
    assert local.cluster.observe([made.ref])[made.ref] == Absent()
    local.cluster.create_attempt(made)
    assert local.over(made.ref).all_succeeded


def test_creating_again_after_a_shim_died_before_its_start_starts_it(
    local: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = spec("/bin/echo", "ran", replicas=2)
    with monkeypatch.context() as broken:
        broken.setattr(creation, "deliver", lambda pipe, _spec: pipe.close())
        broken.setattr(Path, "touch", lambda *_, **__: None)  # the creator dies before it writes `launched`
        local.cluster.create_attempt(made)
        eventually(lambda: not is_held(local.state_dir(made.ref)), "the end of the first shim")
    local.cluster.create_attempt(made)
    assert local.over(made.ref).all_succeeded


def test_an_orphan_of_a_killed_creator_is_waited_for(local: LocalWorld) -> None:
    """The shims of the killed one still come up when the next creator looks; they shall not pass for live ones."""
    for _ in range(5):
        made = spec("/bin/sh", "-c", "echo $RANK", replicas=3)
        creator(local, made.ref.job_id, "deliver").communicate("")
        ref = local.cluster.create_attempt(made)
        assert local.over(ref).all_succeeded
