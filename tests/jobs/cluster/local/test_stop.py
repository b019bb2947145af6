"""Stopping leaves nothing of a command running, whatever it does about it."""

import os
from pathlib import Path

import pytest

from jobs.cluster.base import Absent, ObjectRef, PodPhase, PodReason
from jobs.cluster.errors import Unavailable
from jobs.cluster.local import disposal
from jobs.identifiers import new_job_id
from tests.jobs.cluster.worlds import PYTHON, LocalWorld, eventually, spec

STUBBORN = r"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def family(depth):
    if depth and os.fork() == 0:
        os.setsid()
        family(depth - 1)
    os.write(1, b"%d\n" % os.getpid())
    time.sleep(600)
family(3)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):  # gone before the file was opened, or before it was read
        return False


def printed_pids(world: LocalWorld, ref: ObjectRef, count: int) -> list[int]:
    eventually(lambda: world.output(ref).count(b"\n") == count, "the pids")
    return [int(line) for line in world.output(ref).split()]


def test_a_command_may_end_in_its_own_way(local: LocalWorld) -> None:
    ref = local.running(
        spec("/bin/bash", "-c", 'trap "echo saved; exit 0" TERM; echo ready; while :; do sleep 600 & wait; done')
    )
    local.cluster.delete_attempt(ref, grace_seconds=60)
    pod = local.over(ref).pods[0]
    assert (pod.phase, pod.reason, pod.exit_code) == (PodPhase.FAILED, PodReason.STOPPED, 0)
    assert local.output(ref) == b"ready\nsaved\n"


def test_one_that_does_not_is_killed_with_all_its_descendants_in_any_session(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", STUBBORN)
    local.cluster.create_attempt(made)
    pids = printed_pids(local, made.ref, 4)
    assert len({os.getsid(pid) for pid in pids}) == 4
    local.cluster.delete_attempt(made.ref, grace_seconds=0.1)
    pod = local.over(made.ref).pods[0]
    assert (pod.reason, pod.exit_code) == (PodReason.STOPPED, 137)
    assert not any(alive(pid) for pid in pids)


def test_a_second_request_can_shorten_the_grace(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", STUBBORN)
    local.cluster.create_attempt(made)
    printed_pids(local, made.ref, 4)
    local.cluster.delete_attempt(made.ref, grace_seconds=3600)
    local.cluster.delete_attempt(made.ref, grace_seconds=0)
    local.cluster.delete_attempt(made.ref, grace_seconds=3600)
    assert local.over(made.ref).pods[0].exit_code == 137


def test_stopping_during_the_start_never_leaves_it_running(local: LocalWorld) -> None:
    for _ in range(10):
        made = spec("/bin/sleep", "600")
        ref = local.cluster.create_attempt(made)
        local.cluster.delete_attempt(ref, grace_seconds=5)
        pod = local.over(ref).pods[0]
        assert (pod.phase, pod.reason) == (PodPhase.FAILED, PodReason.STOPPED)


def test_what_was_stopped_before_it_was_created_never_starts(local: LocalWorld) -> None:
    ref = ObjectRef(new_job_id(), 1)
    local.cluster.delete_attempt(ref, grace_seconds=5)
    made = spec("/bin/echo", "ran", job_id=ref.job_id, replicas=2)
    local.cluster.create_attempt(made)
    pods = local.over(ref).pods
    assert [(pod.phase, pod.reason) for pod in pods] == [(PodPhase.FAILED, PodReason.STOPPED)] * 2
    assert local.output(ref) == local.output(ref, 1) == b""


def test_what_was_stopped_is_not_started_by_a_late_creator(local: LocalWorld) -> None:
    made = spec("/bin/sh", "-c", "echo ran; sleep 600")
    ref = local.running(made)
    local.cluster.delete_attempt(ref, grace_seconds=0)
    local.over(ref)
    local.cluster.create_attempt(made)
    assert local.over(ref).pods[0].reason is PodReason.STOPPED
    assert local.output(ref) == b"ran\n"


def test_what_a_command_leaves_behind_ends_with_it(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", STUBBORN.replace("time.sleep(600)", "time.sleep(600 if depth < 3 else 0.2)"))
    local.cluster.create_attempt(made)
    pids = printed_pids(local, made.ref, 4)
    assert local.over(made.ref).pods[0].phase is PodPhase.SUCCEEDED
    assert not any(alive(pid) for pid in pids)


def test_a_running_attempt_cannot_be_forgotten(local: LocalWorld) -> None:
    ref = local.running(spec("/bin/sh", "-c", "echo on; sleep 600"))
    with pytest.raises(Unavailable):
        local.cluster.forget_attempt(ref)
    assert local.seen(ref).all_running


def test_a_tombstone_can_be_forgotten(local: LocalWorld) -> None:
    ref = ObjectRef(new_job_id(), 1)
    local.cluster.delete_attempt(ref, grace_seconds=5)
    local.cluster.forget_attempt(ref)
    assert local.cluster.observe([ref]) == {ref: Absent()}
    assert not (local.pool / ref.name).exists()


def test_of_what_is_forgotten_nothing_stays_on_disk(local: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    left_by_a_killed_process = local.pool / ".forgotten" / "job-0123456789abcdef-1-00000000" / "0"
    left_by_a_killed_process.mkdir(parents=True)
    monkeypatch.setattr(disposal, "_thread", None)
    for _ in range(3):
        made = spec("true")
        local.run(made)
        local.cluster.forget_attempt(made.ref)
    eventually(lambda: not left_in(local.pool), "the removal")


def left_in(pool: Path) -> list[str]:
    """By os.walk, which does not mind what is removed meanwhile."""
    return [name for _path, names, _files in os.walk(pool) for name in names if name.startswith("job-")]


def test_no_shim_stays_in_the_process_table(local: LocalWorld) -> None:
    refs = [local.cluster.create_attempt(spec("true")) for _ in range(5)]
    for ref in refs:
        local.over(ref)
    eventually(lambda: local.cluster.observe([]) == {} and not own_zombies(), "reaping")


def own_zombies() -> list[str]:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [pid for pid in children if not alive(int(pid))]
