"""What is said when the supervisor, or the machine, goes away: the truth, with nothing left running."""

import json
import os
import shutil
import signal

import pytest

from jobs.cluster.base import Absent, ObjectRef, PodPhase, PodReason, Unknown
from jobs.cluster.local import creation, settlement
from jobs.cluster.local.locks import is_held
from jobs.cluster.local.shim import proc
from jobs.logs.format import END, RECORD
from tests.jobs.cluster.local.test_stop import STUBBORN, alive, printed_pids
from tests.jobs.cluster.worlds import PYTHON, LocalWorld, eventually, spec

WAITS = ("/bin/sh", "-c", "echo on; sleep 600 & wait")


def kill_shim(world: LocalWorld, ref: ObjectRef) -> None:
    pid = json.loads((world.state_dir(ref) / "started.json").read_text())["shim_pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid), "the end of the shim")


def test_a_killed_supervisor_means_lost_and_nothing_left(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", STUBBORN)
    local.cluster.create_attempt(made)
    pids = printed_pids(local, made.ref, 4)
    kill_shim(local, made.ref)
    pod = local.over(made.ref).pods[0]
    assert (pod.phase, pod.reason, pod.exit_code) == (PodPhase.FAILED, PodReason.LOST, None)
    assert not any(alive(pid) for pid in pids)


def test_its_log_is_ended(local: LocalWorld) -> None:
    ref = local.running(spec(*WAITS))
    with (local.log_dir(ref) / "main.idx").open("ab") as index:
        index.write(b"torn")
    kill_shim(local, ref)
    local.over(ref)
    offset, _, length, flags = list(RECORD.iter_unpack(local.index(ref)))[-1]
    assert (offset, length, flags) == (len(local.output(ref)), 0, END)


def test_what_was_found_stays_so(local: LocalWorld) -> None:
    made = spec(*WAITS)
    ref = local.running(made)
    kill_shim(local, ref)
    before = local.over(ref)
    assert local.cluster.create_attempt(made) == ref
    assert local.over(ref) == before
    assert local.output(ref) == b"on\n"


def test_a_supervisor_killed_while_stopping_means_stopped(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", STUBBORN)
    local.cluster.create_attempt(made)
    printed_pids(local, made.ref, 4)
    local.cluster.delete_attempt(made.ref, grace_seconds=3600)
    kill_shim(local, made.ref)
    assert local.over(made.ref).pods[0].reason is PodReason.STOPPED


def test_another_boot_means_that_the_node_was_lost(local: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    made = spec(*WAITS)
    ref = local.running(made)
    kill_shim(local, ref)
    monkeypatch.setattr(proc, "boot_id", lambda: "the-next-boot")
    pod = local.over(ref).pods[0]
    assert (pod.phase, pod.reason, pod.exit_code) == (PodPhase.FAILED, PodReason.NODE_LOST, None)
    assert "the-next-boot" in pod.message


def test_after_a_power_cut_nothing_is_run_again(local: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cut took started.json and what was printed; attempt.json was synced, and names the boot before."""
    made = spec("/bin/echo", "ran")
    local.run(made)
    for name in ("started.json", "exit.json"):
        (local.state_dir(made.ref) / name).write_bytes(b"")
    monkeypatch.setattr(proc, "boot_id", lambda: "the-next-boot")
    local.cluster.create_attempt(made)
    assert local.over(made.ref).pods[0].reason is PodReason.NODE_LOST
    assert local.output(made.ref) == b"ran\n"


def test_a_shutdown_of_the_machine_is_no_ones_stop(local: LocalWorld) -> None:
    ref = local.running(spec(*WAITS))
    pid = json.loads((local.state_dir(ref) / "started.json").read_text())["shim_pid"]
    os.kill(pid, signal.SIGTERM)
    pod = local.over(ref).pods[0]
    assert pod.reason is PodReason.NODE_LOST
    assert "shutdown" in pod.message


def test_a_supervisor_that_ends_before_the_start_is_lost(local: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "deliver", lambda pipe, _spec: pipe.close())
    made = spec("/bin/echo", "ran")
    local.cluster.create_attempt(made)
    pod = local.over(made.ref).pods[0]
    assert (pod.phase, pod.reason) == (PodPhase.FAILED, PodReason.LOST)
    before, _, last_words = pod.message.partition(": ")
    assert before == "its supervisor ended before it started the command"
    assert "Error" in last_words
    assert local.output(made.ref) == b""


def test_processes_of_others_are_left_alone(local: LocalWorld) -> None:
    other = local.running(spec(*WAITS))
    ref = local.running(spec(*WAITS))
    kill_shim(local, ref)
    local.over(ref)
    assert local.seen(other).all_running
    assert settlement.carriers(local.seen(other).pods[0].ref.uid)


def test_what_cannot_be_read_is_unknown(local: LocalWorld) -> None:
    made = spec("true")
    local.run(made)
    (local.pool / made.ref.name / "attempt.json").write_text("{")
    assert isinstance(local.cluster.observe([made.ref])[made.ref], Unknown)
    (local.pool / made.ref.name / "attempt.json").unlink()
    (local.pool / made.ref.name / "attempt.json").mkdir()
    assert isinstance(local.cluster.observe([made.ref])[made.ref], Unknown)
    shutil.rmtree(local.pool / made.ref.name)


def test_a_pool_whose_disk_is_gone_is_unknown_not_absent(local: LocalWorld) -> None:
    made = spec("true")
    local.run(made)
    hidden = local.pool.rename(local.root / "unmounted")
    assert isinstance(local.cluster.observe([made.ref])[made.ref], Unknown)
    hidden.rename(local.pool)
    shutil.rmtree(local.pool / made.ref.name)
    assert local.cluster.observe([made.ref])[made.ref] == Absent()


def test_a_creator_that_dies_before_the_spec_leaves_nothing_running(
    local: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = spec("/bin/echo", "ran")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(creation, "deliver", die)
        with pytest.raises(KeyboardInterrupt):
            local.cluster.create_attempt(made)
    assert local.seen(made.ref).pods[0].phase is PodPhase.PENDING
    lock = local.state_dir(made.ref)
    eventually(lambda: not is_held(lock), "the end of the shim")
    assert local.seen(made.ref).pods[0].phase is PodPhase.PENDING
    local.cluster.create_attempt(made)
    assert local.over(made.ref).all_succeeded
    assert local.output(made.ref) == b"ran\n"
