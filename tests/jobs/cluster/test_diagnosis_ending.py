"""Messages are those of the kubelet, the Job controller and Kubernetes' pod disruption conditions."""

import pytest

from jobs.cluster.base import Condition, PodPhase, PodReason, PodSnapshot
from jobs.cluster.diagnosis import Ending, diagnose, diagnose_attempt, evicted_by_queue, with_last_words
from jobs.states import EndReason
from tests.jobs.cluster.diagnosed import JOB, attempt, failed, pod

NAME = f"{JOB}-1-0"


def ended(*pods: PodSnapshot) -> Ending:
    ending = diagnose(pods)
    assert ending is not None
    return ending


def test_what_ended_well_or_was_asked_to_has_no_cause() -> None:
    assert diagnose([]) is None
    assert diagnose([pod(phase=PodPhase.SUCCEEDED, reason=PodReason.COMPLETED), pod(1, phase=PodPhase.RUNNING)]) is None
    assert diagnose([failed(PodReason.STOPPED)]) is None


def test_a_crash_is_told_with_its_exit_code_and_its_machine() -> None:
    assert ended(failed(exit_code=3, node="gpu-7")) == Ending(
        EndReason.COMMAND_FAILED, {"pod": NAME, "detail": "", "exitCode": 3, "node": "gpu-7"}
    )


def test_a_signal_is_named() -> None:
    assert ended(failed(exit_code=139)).params["signal"] == "SIGSEGV"


@pytest.mark.parametrize("message", ["exit code 3", "ended by signal 9 (SIGKILL)"])
def test_what_the_sentence_says_anyway_is_not_quoted(message: str) -> None:
    assert ended(failed(message=message)).params["detail"] == ""


def test_a_shortage_of_memory_is_told_with_the_limit() -> None:
    ending = ended(failed(PodReason.OOM_KILLED, exit_code=137, memory_limit_bytes=3 << 29))
    assert ending.reason is EndReason.OUT_OF_MEMORY
    assert (ending.params["memoryLimit"], ending.params.get("variant")) == ("1.5 GiB", None)


def test_a_command_that_could_not_be_started_says_so() -> None:
    message = 'failed to create containerd task: exec: "trian": executable file not found in $PATH: unknown'
    ending = ended(failed(PodReason.START_ERROR, exit_code=128, message=message))
    assert (ending.reason, ending.params["variant"], ending.params["detail"]) == (
        EndReason.COMMAND_FAILED,
        "start",
        message,
    )


@pytest.mark.parametrize(
    ("message", "variant", "resource"),
    [
        (
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container main was "
            "using 2Gi, request is 1Gi, has larger consumption of memory. ",
            "pressure",
            "memory",
        ),
        ("The node was low on resource: ephemeral-storage.", "pressure", "ephemeral-storage"),
        (
            "Pod was rejected: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. "
            "Requested: 1, Available: 0, which is unexpected",
            "refused",
            None,
        ),
        (
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
            "refused",
            None,
        ),
    ],
)
def test_an_eviction_says_what_the_machine_lacked(message: str, variant: str, resource: str | None) -> None:
    ending = ended(failed(PodReason.EVICTED, message=message))
    assert (ending.reason, ending.params["variant"], ending.params.get("resource")) == (
        EndReason.PREEMPTED,
        variant,
        resource,
    )


@pytest.mark.parametrize(
    ("message", "limit", "volume"),
    [
        ('Usage of EmptyDir volume "shm" exceeds the limit "8Gi". ', "8Gi", "shm"),
        ("Pod ephemeral local storage usage exceeds the total limit of containers 20Gi. ", "20Gi", None),
        ('Container main exceeded its local ephemeral storage limit "20Gi". ', "20Gi", None),
    ],
)
def test_who_passed_its_own_limit_is_not_worth_another_try(message: str, limit: str, volume: str | None) -> None:
    ending = ended(failed(PodReason.EVICTED, message=message))
    assert (ending.reason, ending.params["variant"]) == (EndReason.COMMAND_FAILED, "storage")
    assert (ending.params["limit"], ending.params.get("volume")) == (limit, volume)


@pytest.mark.parametrize(
    ("reason", "kind", "variant"),
    [
        ("PreemptionByScheduler", PodReason.PREEMPTED, "priority"),
        ("EvictionByEvictionAPI", PodReason.EVICTED, "drain"),
        ("DeletionByTaintManager", PodReason.EVICTED, "taint"),
        ("TerminationByKubelet", PodReason.EVICTED, "kubelet"),
        ("SomethingNew", PodReason.EVICTED, None),
    ],
)
def test_a_preemption_says_by_what(reason: str, kind: PodReason, variant: str | None) -> None:
    why = Condition(
        "DisruptionTarget", True, reason, "default-scheduler: preempting to accommodate a higher priority pod"
    )
    ending = ended(failed(kind, conditions=(why,)))
    assert (ending.reason, ending.params.get("variant")) == (EndReason.PREEMPTED, variant)
    assert ending.params["detail"] == why.message


def test_a_machine_that_is_gone_is_told_by_its_name() -> None:
    ending = ended(failed(PodReason.NODE_LOST, node="gpu-7", exit_code=None))
    assert (ending.reason, ending.params["node"]) == (EndReason.NODE_LOST, "gpu-7")


def test_a_pod_that_somebody_deleted_is_lost_by_that() -> None:
    ending = ended(failed(PodReason.DELETED))
    assert (ending.reason, ending.params["variant"]) == (EndReason.LOST, "deleted")


def test_peers_that_fail_after_the_cause_do_not_hide_it() -> None:
    nccl = failed(replica=1, second=1)
    for cause in (PodReason.OOM_KILLED, PodReason.NODE_LOST, PodReason.PREEMPTED):
        later = failed(cause, replica=2, second=5, exit_code=137)
        assert ended(nccl, later).reason is not EndReason.COMMAND_FAILED
        assert ended(nccl, later).params["pod"].endswith("-2")


def test_of_exit_codes_the_first_one_counts() -> None:
    assert ended(failed(replica=0, second=7), failed(replica=1, second=2, exit_code=5)).params["exitCode"] == 5


def test_in_the_same_second_a_crash_comes_before_a_watchdogs_abort() -> None:
    pods = [failed(replica=0, exit_code=134), failed(replica=1, exit_code=1), failed(replica=2, exit_code=139)]
    assert ended(*pods).params["exitCode"] == 139
    assert ended(*pods[:2]).params["exitCode"] == 1


def test_who_was_told_to_end_is_not_the_cause_of_the_same_second() -> None:
    assert ended(failed(replica=0, terminating=True), failed(replica=1)).params["pod"].endswith("-1")


def test_a_pod_deleted_before_its_peers_failed_took_them_down() -> None:
    deleted, peer = failed(PodReason.DELETED, second=1), failed(replica=1, second=4)
    assert ended(deleted, peer).params["variant"] == "deleted"
    assert ended(failed(PodReason.DELETED, second=9), peer).reason is EndReason.COMMAND_FAILED
    assert ended(failed(PodReason.DELETED, second=None), peer).reason is EndReason.COMMAND_FAILED


def test_the_clusters_own_time_limit_is_the_cause_whatever_its_pods_say() -> None:
    late = Condition("Failed", True, "DeadlineExceeded", "Job was active longer than specified deadline")
    ending = diagnose_attempt(attempt(failed(exit_code=143), conditions=(late,)))
    assert ending == Ending(EndReason.TIMED_OUT, {"variant": "cluster", "detail": late.message})


def test_a_failed_job_without_a_pod_to_tell_says_what_the_cluster_says() -> None:
    spent = Condition("Failed", True, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    for pods in ((), (failed(PodReason.STOPPED),), (failed(PodReason.LOST),)):
        ending = diagnose_attempt(attempt(*pods, conditions=(spent,)))
        assert ending is not None
        assert (ending.reason, ending.params["variant"], ending.params["detail"]) == (
            EndReason.LOST,
            "unseen",
            spent.message,
        )


def test_what_pods_tell_comes_before_the_jobs_general_words() -> None:
    spent = Condition("Failed", True, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    for pods in ((failed(exit_code=3),), (failed(PodReason.DELETED),)):
        assert diagnose_attempt(attempt(*pods, conditions=(spent,))) == diagnose(pods)


def test_a_condition_that_is_not_true_says_nothing() -> None:
    assert diagnose_attempt(attempt(pod(), conditions=(Condition("Failed", False, "DeadlineExceeded"),))) is None


def test_what_kueue_took_back_was_preempted() -> None:
    why = Condition("Evicted", True, "Preempted", "Preempted to accommodate a workload")
    ending = evicted_by_queue(attempt(suspended=True, admission=(why,)))
    assert ending is not None
    assert (ending.reason, ending.params["variant"], ending.params["detail"]) == (
        EndReason.PREEMPTED,
        "kueue",
        why.message,
    )
    assert evicted_by_queue(attempt(suspended=True)) is None
    assert evicted_by_queue(attempt(admission=(why,))) is None


def test_the_last_words_of_a_crash_are_kept_without_colours_and_blank_lines() -> None:
    lines = [
        "epoch 1\n",
        "10%\r20%\r\x1b[32m30%\x1b[0m\n",
        "",
        "Traceback\n",
        "\x1b[31mRuntimeError: boom\x1b[0m\n",
        "\n",
    ]
    ending = with_last_words(Ending(EndReason.COMMAND_FAILED, {"pod": NAME}), lines)
    assert ending.params["lines"] == ["30%", "Traceback", "RuntimeError: boom"]
    assert ending.params["pod"] == NAME


def test_long_lines_are_cut() -> None:
    ending = with_last_words(Ending(EndReason.COMMAND_FAILED), ["x" * 100_000] * 10)
    assert sum(map(len, ending.params["lines"])) <= 600


@pytest.mark.parametrize(
    "ending", [Ending(EndReason.NODE_LOST), Ending(EndReason.COMMAND_FAILED, {"variant": "start"})]
)
def test_where_the_log_is_not_the_evidence_it_is_left_out(ending: Ending) -> None:
    assert with_last_words(ending, ["epoch 1"]) is ending
    assert with_last_words(Ending(EndReason.COMMAND_FAILED), ["", " \n"]) == Ending(EndReason.COMMAND_FAILED)
