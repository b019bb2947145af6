"""What every implementation of the port promises (jobs.cluster.base)."""

from dataclasses import replace

import pytest

from jobs.cluster.base import Absent, ObjectRef, PodPhase, PodReason, Present
from jobs.cluster.errors import Conflict
from jobs.identifiers import new_job_id
from tests.jobs.cluster.worlds import World, spec

WAITS = ("/bin/sh", "-c", "echo waiting; sleep 600 & wait")


def test_an_attempt_nobody_created_is_absent(world: World) -> None:
    world.cluster.create_attempt(spec("true"))
    ref = ObjectRef(new_job_id(), 1)
    assert world.cluster.observe([ref]) == {ref: Absent()}


def test_every_ref_gets_an_answer(world: World) -> None:
    there, missing = world.cluster.create_attempt(spec("true")), ObjectRef(new_job_id(), 1)
    seen = world.cluster.observe([missing, there])
    assert isinstance(seen[there], Present)
    assert isinstance(seen[missing], Absent)


def test_a_command_that_ends_well_succeeds(world: World) -> None:
    pod = world.run(spec("/bin/echo", "done"))
    assert (pod.phase, pod.reason, pod.exit_code) == (PodPhase.SUCCEEDED, PodReason.COMPLETED, 0)
    assert pod.started_at is not None
    assert pod.finished_at is not None
    assert pod.started_at <= pod.finished_at


def test_its_output_is_kept(world: World) -> None:
    made = spec("/bin/echo", "done")
    world.run(made)
    assert world.output(made.ref) == b"done\n"


def test_pods_have_their_names_and_uids(world: World) -> None:
    made = spec("true", replicas=2)
    snapshot = world.over(world.cluster.create_attempt(made))
    assert [pod.ref.name for pod in snapshot.pods] == [f"{made.ref.name}-0", f"{made.ref.name}-1"]
    assert len({pod.ref.uid for pod in snapshot.pods} - {""}) == 2
    assert snapshot.all_succeeded


def test_arguments_follow_the_command_as_they_are(world: World) -> None:
    made = spec("/bin/echo", args=("a b", "$HOME", "*", "数据", "'\""))
    world.run(made)
    assert world.output(made.ref).decode() == "a b $HOME * 数据 '\"\n"


def test_variables_reach_the_command(world: World) -> None:
    made = spec("/bin/sh", "-c", 'echo "$PLAIN $HIDDEN"', envs=(("PLAIN", "seen"),), secret_envs=(("HIDDEN", "too"),))
    world.run(made)
    assert world.output(made.ref) == b"seen too\n"


@pytest.mark.parametrize("code", [1, 3, 255])
def test_an_exit_code_is_reported(world: World, code: int) -> None:
    pod = world.run(spec("/bin/sh", "-c", f"exit {code}"))
    assert (pod.phase, pod.reason, pod.exit_code) == (PodPhase.FAILED, PodReason.ERROR, code)


@pytest.mark.parametrize(("name", "code"), [("KILL", 137), ("SEGV", 139), ("TERM", 143)])
def test_a_signal_is_reported_as_128_and_its_number(world: World, name: str, code: int) -> None:
    pod = world.run(spec(*world.dying_by(name)))
    assert (pod.phase, pod.reason, pod.exit_code) == (PodPhase.FAILED, PodReason.ERROR, code)


def test_a_command_that_is_not_there_is_a_start_error(world: World) -> None:
    """The shell's code for it is 127, the code of a runtime that could not make the container 128."""
    pod = world.run(spec("python4", "train.py"))
    assert (pod.phase, pod.reason) == (PodPhase.FAILED, PodReason.START_ERROR)
    assert pod.exit_code in (127, 128)
    assert "python4" in pod.message


def test_one_failed_replica_shows_beside_those_that_succeeded(world: World) -> None:
    """A cluster that ends the peers of a failed one may do so before they got to their own end."""
    made = spec("/bin/sh", "-c", 'test "$RANK" = 0', replicas=3)
    snapshot = world.over(world.cluster.create_attempt(made))
    zero, *others = [(pod.phase, pod.reason, pod.exit_code) for pod in snapshot.pods]
    own = (PodPhase.FAILED, PodReason.ERROR, 1)
    assert zero == (PodPhase.SUCCEEDED, PodReason.COMPLETED, 0) or (
        snapshot.ends_peers and zero[1] is PodReason.STOPPED
    )
    assert own in others
    assert all(each == own or (snapshot.ends_peers and each[1] is PodReason.STOPPED) for each in others)
    assert not snapshot.all_succeeded


def test_creating_again_adopts_and_runs_once(world: World) -> None:
    made = spec("/bin/echo", "once")
    first = world.cluster.create_attempt(made)
    again = world.cluster.create_attempt(made)
    world.over(first)
    after = world.cluster.create_attempt(made)
    assert first == again == after
    assert first.uid
    assert world.over(first).all_succeeded
    assert world.output(first) == b"once\n"


def test_another_spec_under_the_same_name_is_a_conflict(world: World) -> None:
    made = spec("true")
    ref = world.cluster.create_attempt(made)
    with pytest.raises(Conflict):
        world.cluster.create_attempt(replace(made, spec_hash="another"))
    assert world.over(ref).all_succeeded


def test_a_ref_with_another_uid_is_not_this_attempt(world: World) -> None:
    ref = world.running(spec(*WAITS))
    other = replace(ref, uid="0" * 32)
    assert world.cluster.observe([other]) == {other: Absent()}
    world.cluster.delete_attempt(other, grace_seconds=0)
    world.cluster.forget_attempt(other)
    assert world.seen(ref).all_running


def test_deleting_ends_every_replica(world: World) -> None:
    ref = world.running(spec(*WAITS, replicas=2))
    world.cluster.delete_attempt(ref, grace_seconds=5)
    world.ended(ref)


def test_deleting_twice_is_harmless(world: World) -> None:
    ref = world.running(spec(*WAITS))
    for _ in range(3):
        world.cluster.delete_attempt(ref, grace_seconds=5)
    world.ended(ref)
    world.cluster.delete_attempt(ref, grace_seconds=5)


def test_deleting_what_is_not_there_is_success(world: World) -> None:
    ref = ObjectRef(new_job_id(), 1)
    world.cluster.delete_attempt(ref, grace_seconds=5)
    assert world.cluster.observe([ref]) == {ref: Absent()}


def test_deleting_what_has_ended_does_not_change_how(world: World) -> None:
    """It stays as it was, or it is gone."""
    ref = world.cluster.create_attempt(spec("true"))
    before = world.over(ref)
    world.cluster.delete_attempt(ref, grace_seconds=5)
    world.eventually(lambda: world.cluster.observe([ref])[ref] in (Present(before), Absent()), "the same end")


def test_forgetting_removes_the_attempt_and_keeps_its_log(world: World) -> None:
    ref = world.cluster.create_attempt(spec("/bin/echo", "kept"))
    world.over(ref)
    world.cluster.forget_attempt(ref)
    world.cluster.forget_attempt(ref)
    assert world.cluster.observe([ref]) == {ref: Absent()}
    assert world.output(ref) == b"kept\n"


def test_attempts_of_one_job_are_apart(world: World) -> None:
    job_id = new_job_id()
    for attempt in (1, 2):
        world.run(spec("/bin/echo", str(attempt), job_id=job_id, attempt=attempt))
    assert world.output(ObjectRef(job_id, 1)) == b"1\n"
    assert world.output(ObjectRef(job_id, 2)) == b"2\n"


def test_every_attempt_is_listed_until_it_is_forgotten(world: World) -> None:
    made = [spec("true"), spec("true")]
    for each in made:
        world.run(each)
    names = {ref.name for ref in world.cluster.list_attempts()}
    assert {each.ref.name for each in made} <= names
    world.cluster.forget_attempt(made[0].ref)
    assert names - {ref.name for ref in world.cluster.list_attempts()} == {made[0].ref.name}


def test_the_capacity_is_told(world: World) -> None:
    capacity = world.cluster.capacity()
    assert capacity.cpu_millis is None or capacity.cpu_millis >= 1000
    assert capacity.memory_bytes is None or capacity.memory_bytes > 1 << 20
