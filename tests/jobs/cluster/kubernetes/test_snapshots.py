"""What an attempt's Job and pods say of it. Numbers in brackets are those of the facts seen on a real cluster."""

from typing import Any

import pytest

from jobs.cluster.base import AttemptSnapshot, Condition, PodPhase, PodReason, PodSnapshot
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.snapshots import attempt_snapshot, leftover_snapshot, pod_of
from tests.jobs.cluster.kubernetes.wires import REF, RUNS, UID, at, condition, ended, job, pod, when

FOREGROUND = {"finalizers": ["foregroundDeletion"], "deletionTimestamp": at(5), "deletionGracePeriodSeconds": 0}


def snapshot(made: wire.Job, *pods: wire.Pod) -> AttemptSnapshot:
    seen = attempt_snapshot(made, pods)
    assert seen is not None
    return seen


def alone(seen: wire.Pod) -> PodSnapshot:
    return snapshot(job(), seen).pods[0]


def reasons(seen: AttemptSnapshot) -> list[PodReason]:
    return [pod.reason for pod in seen.pods]


def test_a_new_job_has_an_empty_status_and_no_pods() -> None:
    """(Jobs 5)"""
    seen = snapshot(job(2))
    assert (seen.ref.uid, seen.replicas, seen.pods, seen.ends_peers) == (UID, 2, (), True)


def test_a_job_without_our_labels_is_not_ours() -> None:
    assert attempt_snapshot(job(meta={"labels": {"team": "a"}}), []) is None


def test_a_running_pod() -> None:
    seen = alone(pod(state=RUNS, spec={"containers": [{"name": "main", "resources": {"limits": {"memory": "1Gi"}}}]}))
    assert (seen.phase, seen.node, seen.started_at, seen.exit_code) == (PodPhase.RUNNING, "node-1", when(1), None)
    assert (seen.ref.uid, seen.ref.name) == ("pod-0", f"{REF.name}-0")
    assert seen.memory_limit_bytes == 1 << 30


def test_a_pod_that_ended_well() -> None:
    seen = alone(pod(phase="Succeeded", state=ended(0)))
    assert (seen.phase, seen.reason, seen.exit_code) == (PodPhase.SUCCEEDED, PodReason.COMPLETED, 0)
    assert (seen.started_at, seen.finished_at) == (when(1), when(10))


def test_a_pod_that_failed_keeps_its_last_words() -> None:
    seen = alone(pod(phase="Failed", state=ended(3, message="Traceback\n\tValueError: \x00bad\x1b[0m")))
    assert (seen.reason, seen.exit_code) == (PodReason.ERROR, 3)
    assert seen.message == "Traceback\n\tValueError: bad[0m"


@pytest.mark.parametrize(
    ("reason", "code", "means"),
    [
        ("OOMKilled", 137, PodReason.OOM_KILLED),  # (Watch and logs)
        ("StartError", 128, PodReason.START_ERROR),
        ("ContainerCannotRun", 127, PodReason.START_ERROR),
        ("Error", 137, PodReason.ERROR),
    ],
)
def test_a_container_tells_why_it_ended(reason: str, code: int, means: PodReason) -> None:
    seen = alone(pod(phase="Failed", state=ended(code, reason)))
    assert (seen.reason, seen.exit_code) == (means, code)


UNSEEN = {
    "terminated": {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    }
}


def test_a_container_whose_end_nobody_saw_is_lost_and_has_no_exit_code() -> None:
    seen = alone(pod(phase="Failed", state=UNSEEN))
    assert (seen.reason, seen.exit_code) == (PodReason.LOST, None)


def test_a_pod_that_was_told_to_end_before_its_container_started_is_no_loss() -> None:
    """The kubelet says the same of it as of one that it lost."""
    failing = job(2, condition("FailureTarget", "BackoffLimitExceeded", 10))
    first = pod(0, phase="Failed", state=ended(3))
    seen = snapshot(failing, first, pod(1, phase="Failed", state=UNSEEN, told=10))
    assert reasons(seen) == [PodReason.ERROR, PodReason.STOPPED]
    assert [one.exit_code for one in seen.pods] == [3, None]


def test_a_container_that_never_started_has_no_start() -> None:
    never = {"terminated": {"exitCode": 128, "reason": "StartError", "startedAt": "1970-01-01T00:00:00Z"}}
    seen = alone(pod(phase="Failed", state=never))
    assert (seen.started_at, seen.finished_at) == (None, None)


@pytest.mark.parametrize(
    ("reason", "means"),
    [
        ("PreemptionByScheduler", PodReason.PREEMPTED),
        ("EvictionByEvictionAPI", PodReason.EVICTED),
        ("DeletionByTaintManager", PodReason.NODE_LOST),
        ("DeletionByPodGC", PodReason.NODE_LOST),
        ("TerminationByKubelet", PodReason.EVICTED),
        ("OfTheFuture", PodReason.EVICTED),
    ],
)
@pytest.mark.parametrize(("phase", "code"), [("Failed", 143), ("Succeeded", 0)])
def test_a_disruption_is_the_reason_whatever_the_command_made_of_it(
    reason: str, means: PodReason, phase: str, code: int
) -> None:
    hit = condition("DisruptionTarget", reason, 5)
    seen = alone(pod(phase=phase, state=ended(code), told=5, conditions=[hit]))
    assert (seen.phase, seen.reason, seen.exit_code) == (PodPhase.FAILED, means, code)


@pytest.mark.parametrize(
    ("reason", "means"),
    [("Terminated", PodReason.NODE_LOST), ("Preempting", PodReason.PREEMPTED), ("Evicted", PodReason.EVICTED)],
)
def test_a_kubelet_that_ends_a_pod_says_in_its_status_what_for(reason: str, means: PodReason) -> None:
    hit = condition("DisruptionTarget", "TerminationByKubelet", 5)
    assert alone(pod(phase="Failed", state=ended(143), reason=reason, conditions=[hit])).reason is means


@pytest.mark.parametrize(
    ("reason", "means"),
    [
        ("Evicted", PodReason.EVICTED),
        ("NodeLost", PodReason.NODE_LOST),
        ("DeadlineExceeded", PodReason.DEADLINE),
        ("OutOfcpu", PodReason.EVICTED),
        ("OutOfnvidia.com/gpu", PodReason.EVICTED),
        ("UnexpectedAdmissionError", PodReason.EVICTED),
        ("TopologyAffinityError", PodReason.EVICTED),
    ],
)
def test_a_pod_tells_why_it_failed_where_no_container_does(reason: str, means: PodReason) -> None:
    seen = alone(pod(phase="Failed", reason=reason, message="The node was low on resource: memory."))
    assert (seen.phase, seen.reason, seen.exit_code) == (PodPhase.FAILED, means, None)
    assert seen.message == "The node was low on resource: memory."


def test_a_pod_that_failed_without_a_word_is_lost() -> None:
    assert alone(pod(phase="Failed")).reason is PodReason.LOST


def test_a_failed_pod_without_its_container_has_an_end_all_the_same() -> None:
    assert alone(pod(phase="Failed", conditions=[condition("Ready", "", 7, "False")])).finished_at == when(7)


def test_a_container_that_waits_says_why() -> None:
    seen = alone(pod(phase="Pending", state={"waiting": {"reason": "ErrImagePull", "message": "not found"}}))
    assert (seen.phase, seen.waiting_reason, seen.waiting_message) == (PodPhase.PENDING, "ErrImagePull", "not found")


def test_a_pod_that_finds_no_node_says_why() -> None:
    unfit = condition("PodScheduled", "Unschedulable", 1, "False", "0/1 nodes are available: 1 Insufficient cpu.")
    seen = alone(pod(phase="Pending", conditions=[unfit]))
    assert (seen.waiting_reason, seen.waiting_message) == (unfit["reason"], unfit["message"])
    assert seen.conditions == (Condition("PodScheduled", False, unfit["reason"], unfit["message"], when(1)),)


def test_an_unknown_condition_is_neither_true_nor_false() -> None:
    assert alone(pod(conditions=[condition("Ready", value="Unknown")])).conditions[0].status is None


def test_a_pod_that_was_told_to_end_still_runs() -> None:
    seen = alone(pod(state=RUNS, told=5))
    assert (seen.phase, seen.terminating, seen.reason) == (PodPhase.RUNNING, True, PodReason.NONE)


def test_a_pod_that_is_taken_away_says_so_while_it_still_runs() -> None:
    """That of a node out of reach may do so for ever: nobody there ends it."""
    hit = condition("DisruptionTarget", "DeletionByTaintManager", 5)
    seen = alone(pod(state=RUNS, told=5, conditions=[hit]))
    assert (seen.phase, seen.reason, seen.is_over) == (PodPhase.RUNNING, PodReason.NODE_LOST, False)


def test_a_disruption_that_did_not_come_about_is_none() -> None:
    """The kubelet or the scheduler may mark a pod and then fail to delete it."""
    assert alone(pod(state=RUNS, conditions=[condition("DisruptionTarget", "PreemptionByScheduler", 5)])).reason == ""


@pytest.mark.parametrize(("phase", "code"), [("Failed", 143), ("Succeeded", 0)])
def test_a_pod_that_somebody_deleted_was_deleted(phase: str, code: int) -> None:
    """A training that saves its state on TERM and exits 0 is not done (Jobs 3)."""
    seen = alone(pod(phase=phase, state=ended(code), told=9))
    assert (seen.phase, seen.reason, seen.exit_code) == (PodPhase.FAILED, PodReason.DELETED, code)


def test_a_pod_that_had_ended_when_it_was_deleted_ended_by_itself() -> None:
    assert alone(pod(phase="Succeeded", state=ended(0), told=11, grace=0)).reason is PodReason.COMPLETED
    assert alone(pod(phase="Failed", state=ended(1), told=11, grace=0)).reason is PodReason.ERROR


def test_an_out_of_memory_kill_is_told_though_the_pod_was_told_to_end() -> None:
    assert alone(pod(phase="Failed", state=ended(137, "OOMKilled"), told=9)).reason is PodReason.OOM_KILLED


@pytest.mark.parametrize("kind", ["FailureTarget", "Failed"])
def test_the_peers_that_the_job_controller_ended_are_no_cause(kind: str) -> None:
    """(Jobs 3)"""
    failed = job(3, condition(kind, "BackoffLimitExceeded", 10))
    seen = snapshot(
        failed,
        pod(0, "Failed", state=ended(137, seconds=12), told=10),
        pod(1, "Failed", state=ended(1, seconds=9)),
        pod(2, state=RUNS, told=10),
    )
    assert reasons(seen) == [PodReason.STOPPED, PodReason.ERROR, PodReason.NONE]
    assert not seen.all_over


def test_peers_are_no_cause_before_the_job_has_its_condition_either() -> None:
    seen = snapshot(
        job(2), pod(0, "Failed", state=ended(1, seconds=9)), pod(1, "Failed", state=ended(143, seconds=10), told=10)
    )
    assert reasons(seen) == [PodReason.ERROR, PodReason.STOPPED]


def test_a_deleted_pod_is_the_cause_and_its_peers_are_not() -> None:
    failed = job(2, condition("FailureTarget", "BackoffLimitExceeded", 20))
    seen = snapshot(
        failed,
        pod(0, "Failed", state=ended(143, seconds=19), told=15),
        pod(1, "Failed", state=ended(143, seconds=25), told=20),
    )
    assert reasons(seen) == [PodReason.DELETED, PodReason.STOPPED]


def test_a_deleted_pod_is_the_cause_also_within_one_second() -> None:
    failed = job(2, condition("FailureTarget", "BackoffLimitExceeded", 20))
    seen = snapshot(
        failed,
        pod(0, "Failed", state=ended(143, seconds=20), told=20),
        pod(1, "Failed", state=ended(143, seconds=21), told=20),
    )
    assert reasons(seen) == [PodReason.DELETED, PodReason.STOPPED]


def test_the_pods_of_a_job_past_its_deadline() -> None:
    late = job(2, condition("Failed", "DeadlineExceeded", 20))
    seen = snapshot(late, pod(0, "Failed", state=ended(143, seconds=21), told=20))
    assert reasons(seen) == [PodReason.DEADLINE, PodReason.DEADLINE]
    assert seen.all_over


def test_what_ends_with_a_job_that_is_taken_down_was_stopped() -> None:
    down = job(2, meta=FOREGROUND)
    seen = snapshot(
        down, pod(0, "Failed", state=ended(143, seconds=6), told=5), pod(1, "Succeeded", state=ended(0), told=5)
    )
    assert reasons(seen) == [PodReason.STOPPED, PodReason.STOPPED]
    assert seen.going_down
    assert not seen.all_succeeded


@pytest.mark.parametrize("kind", ["FailureTarget", "SuccessCriteriaMet", "Suspended"])
def test_only_complete_and_failed_are_final(kind: str) -> None:
    """(Jobs 2)"""
    assert snapshot(job(1, condition(kind, "Any", 9))).pods == ()
    assert snapshot(job(1, condition("Failed", "Any", 9, "False"))).pods == ()


def test_a_failed_job_whose_pods_still_end_is_not_over() -> None:
    """(Jobs 2)"""
    failed = condition("Failed", "BackoffLimitExceeded", 10)
    assert snapshot(job(1, failed, terminating=1)).pods == ()


def test_replicas_of_a_final_job_without_a_pod_are_over() -> None:
    failed = job(3, condition("Failed", "BackoffLimitExceeded", 10), completedIndexes="2", terminating=0)
    seen = snapshot(failed, pod(1, "Failed", state=ended(1, seconds=9)))
    assert seen.all_over
    assert reasons(seen) == [PodReason.STOPPED, PodReason.ERROR, PodReason.COMPLETED]
    assert [one.exit_code for one in seen.pods] == [None, 1, 0]


def test_the_pod_that_is_gone_is_the_cause_when_no_other_is() -> None:
    failed = job(2, condition("Failed", "BackoffLimitExceeded", 10))
    seen = snapshot(failed, pod(1, "Failed", state=ended(143, seconds=11), told=10))
    assert reasons(seen) == [PodReason.DELETED, PodReason.STOPPED]


def test_a_complete_job_keeps_its_success_without_its_pods() -> None:
    done = job(4, condition("Complete", "CompletionsReached", 10), completedIndexes="0,2-3")
    seen = snapshot(done, pod(1, "Succeeded", state=ended(0)))
    assert seen.all_succeeded


def test_the_newest_pod_of_an_index_counts() -> None:
    seen = snapshot(job(), pod(0, "Failed", state=ended(1), created=5), pod(0, "Running", state=RUNS, created=9))
    assert [one.phase for one in seen.pods] == [PodPhase.RUNNING]


def test_a_pod_of_another_job_is_not_ours() -> None:
    assert snapshot(job(), pod(owner="another")).pods == ()


@pytest.mark.parametrize("index", ["", "x", "-1", "²", "12345678"])
def test_a_pod_without_an_index_is_left_out(index: str) -> None:
    labels = pod().metadata.labels | {"batch.kubernetes.io/job-completion-index": index}
    assert snapshot(job(), pod(meta={"labels": labels})).pods == ()


def test_pods_beyond_the_replicas_are_left_out() -> None:
    assert [one.ref.replica for one in snapshot(job(2), pod(1), pod(5), pod(0)).pods] == [0, 1]


def test_a_suspended_job_has_lost_no_replica() -> None:
    """Its pods are deleted, and come again when it is resumed (Jobs 4)."""
    held = job(2, condition("Suspended", "JobSuspended", 10), spec={"suspend": True}, terminating=1)
    seen = snapshot(held, pod(0, "Failed", state=ended(143, seconds=11), told=10), pod(1, state=RUNS, told=10))
    assert seen.suspended
    assert [(one.ref.replica, one.phase) for one in seen.pods] == [(1, PodPhase.RUNNING)]
    assert not seen.all_over


def test_a_resumed_job_is_not_suspended() -> None:
    """The condition stays, as False (Jobs 4)."""
    seen = snapshot(job(1, condition("Suspended", "JobResumed", 10, "False")))
    assert (seen.suspended, seen.conditions[0].status) == (False, False)


def test_pods_that_outlive_their_job_are_still_there() -> None:
    """A raw DELETE without a propagation policy orphans them (Jobs 1)."""
    seen = leftover_snapshot(REF, [pod(0, state=RUNS, owner=""), pod(1, "Succeeded", state=ended(0), owner="")])
    assert seen is not None
    assert (seen.replicas, seen.going_down, seen.all_over) == (2, False, False)


def test_pods_that_go_after_their_job_are_going_down() -> None:
    seen = leftover_snapshot(REF, [pod(0, state=RUNS, told=5)])
    assert seen is not None
    assert seen.going_down


def test_once_none_of_them_runs_nothing_is_left() -> None:
    assert leftover_snapshot(REF, []) is None
    assert leftover_snapshot(REF, [pod(0, "Failed", state=ended(143), told=5)]) is None


def test_a_pod_by_itself_is_not_accused_of_what_its_peers_may_have_done() -> None:
    deleted: dict[str, Any] = {"phase": "Failed", "state": ended(143, seconds=12), "told": 10}
    told = {
        "unknown": pod_of(pod(**deleted), None),
        "one of two": pod_of(pod(**deleted), job(2)),
        "a peer": pod_of(pod(**deleted), job(2, condition("FailureTarget", "BackoffLimitExceeded", 9))),
        "the only one": pod_of(pod(**deleted), job(1)),
    }
    assert {name: seen.reason for name, seen in told.items() if seen} == {
        "unknown": PodReason.STOPPED,
        "one of two": PodReason.STOPPED,
        "a peer": PodReason.STOPPED,
        "the only one": PodReason.DELETED,
    }
