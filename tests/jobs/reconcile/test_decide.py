"""The rules, one sentence each, then all of them against random worlds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from jobs.cluster.base import (
    Absent,
    AttemptSnapshot,
    Condition,
    ObjectRef,
    PodPhase,
    PodReason,
    PodRef,
    PodSnapshot,
    Present,
    Unknown,
)
from jobs.cluster.diagnosis import Ending
from jobs.reconcile.decide import ABSENCE_PROOF, Action, Decision, View, decide
from jobs.states import FINAL, Desired, EndReason, JobStatus, allowed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = "job-0123456789abcdef"


def pod(phase, reason=PodReason.NONE, exit_code=None, replica=0, finished=None):
    ref = PodRef(JOB, 1, replica, uid="u")
    return PodSnapshot(
        ref, phase, started_at=NOW - timedelta(seconds=60), finished_at=finished, exit_code=exit_code, reason=reason
    )


RUNS = pod(PodPhase.RUNNING)
DONE = pod(PodPhase.SUCCEEDED, PodReason.COMPLETED, 0)
FAILED = pod(PodPhase.FAILED, PodReason.ERROR, 1)


def seen(*pods):
    return Present(AttemptSnapshot(ObjectRef(JOB, 1), len(pods), pods))


def view(status=JobStatus.RUNNING, desired=Desired.RUN, **changes):
    known = {"attempt": 1, "launched": True, "started_at": NOW - timedelta(seconds=60)}
    return View(status=status, desired=desired, **{**known, **changes})


def test_an_attempt_not_yet_launched_is_launched():
    assert decide(view(JobStatus.STARTING, launched=False), None, NOW).actions == (Action.LAUNCH,)


def test_it_runs_when_all_its_pods_run():
    assert decide(view(JobStatus.STARTING), seen(RUNS, RUNS), NOW).transition.new is JobStatus.RUNNING


def test_it_is_still_starting_while_a_pod_is_pending():
    assert decide(view(JobStatus.STARTING), seen(RUNS, pod(PodPhase.PENDING)), NOW).transition is None


def test_pods_that_somebody_else_asked_to_end_are_no_success():
    taken_down = pod(PodPhase.FAILED, PodReason.STOPPED, 143)
    assert decide(view(), seen(DONE, taken_down), NOW).ended.reason is EndReason.LOST


def test_it_succeeds_when_all_its_pods_succeeded():
    decision = decide(view(), seen(DONE, DONE), NOW)
    assert decision.transition.new is JobStatus.SUCCEEDED
    assert decision.ended == Ending(EndReason.COMPLETED)
    assert decision.check_in is None


def test_a_short_command_goes_from_starting_to_its_end():
    assert decide(view(JobStatus.STARTING), seen(DONE), NOW).transition.new is JobStatus.SUCCEEDED
    assert decide(view(JobStatus.STARTING), seen(FAILED), NOW).transition.new is JobStatus.FAILED


def test_a_failed_replica_takes_the_others_down_before_the_job_fails():
    decision = decide(view(), seen(FAILED, RUNS), NOW)
    assert decision.transition is None
    assert decision.ending.reason is EndReason.COMMAND_FAILED
    assert decision.actions == (Action.DELETE,)
    stopped = pod(PodPhase.FAILED, PodReason.STOPPED, 143, replica=1)
    later = decide(view(ending=decision.ending), seen(FAILED, stopped), NOW)
    assert later.transition.new is JobStatus.FAILED
    assert later.ended == decision.ending


def test_what_the_machine_did_explains_more_than_what_the_command_said():
    lost = pod(PodPhase.FAILED, PodReason.NODE_LOST, replica=1)
    assert decide(view(), seen(FAILED, lost), NOW).ended.reason is EndReason.NODE_LOST


def test_an_unknown_observation_ends_nothing():
    decision = decide(view(), Unknown("timed out"), NOW)
    assert decision.transition is None
    assert decision.ended is None
    assert decision.explain == ("PoolUnavailable", {"error": "timed out"})


def test_absence_counts_only_when_proven_twice():
    first = decide(view(), Absent(), NOW)
    assert first.ended is None
    assert first.absent_since == NOW
    soon = decide(view(absent_since=NOW), Absent(), NOW + ABSENCE_PROOF / 2)
    assert soon.ended is None
    assert soon.absent_since == NOW
    late = decide(view(absent_since=NOW), Absent(), NOW + ABSENCE_PROOF)
    assert late.ended.reason is EndReason.LOST


def test_an_object_seen_again_starts_the_proof_anew():
    assert decide(view(absent_since=NOW), seen(RUNS), NOW).absent_since is None


def test_a_time_limit_ends_it():
    decision = decide(view(max_run_seconds=60), seen(RUNS), NOW)
    assert decision.ending == Ending(EndReason.TIMED_OUT, {"limit": 60})
    assert decide(view(max_run_seconds=61), seen(RUNS), NOW).check_in == 1.0


def test_a_command_that_ended_in_time_is_not_timed_out():
    assert decide(view(max_run_seconds=1), seen(DONE), NOW).ended.reason is EndReason.COMPLETED


def test_a_failure_is_retried_as_often_as_the_policy_says():
    again = decide(view(max_retries=1), seen(FAILED), NOW)
    assert again.transition.new is JobStatus.PENDING
    assert again.ended.reason is EndReason.COMMAND_FAILED
    assert decide(view(max_retries=1, attempt=2), seen(FAILED), NOW).transition.new is JobStatus.FAILED


def test_only_the_named_reasons_are_retried():
    assert decide(view(max_retries=3, retry_on=frozenset({"NodeLost"})), seen(FAILED), NOW).transition.new is (
        JobStatus.FAILED
    )


def test_a_stop_takes_it_down_and_waits_for_proof():
    stopping = view(JobStatus.STOPPING, Desired.STOP)
    assert decide(stopping, seen(RUNS), NOW).actions == (Action.DELETE,)
    assert decide(stopping, Unknown("x"), NOW).transition is None
    assert decide(stopping, seen(pod(PodPhase.FAILED, PodReason.STOPPED, 143)), NOW).transition.new is JobStatus.STOPPED


def test_a_stop_of_what_was_never_placed_is_immediate():
    assert decide(view(JobStatus.STOPPING, Desired.STOP, attempt=0, launched=False), None, NOW).transition.new is (
        JobStatus.STOPPED
    )


def test_a_stop_is_never_retried():
    decision = decide(view(JobStatus.STOPPING, Desired.STOP, max_retries=5), seen(FAILED), NOW)
    assert decision.transition.new is JobStatus.STOPPED


def test_a_deleted_job_is_purged_once_it_is_over():
    assert Action.PURGE in decide(view(JobStatus.STOPPING, Desired.DELETE), seen(FAILED), NOW).actions
    assert decide(view(JobStatus.SUCCEEDED, Desired.DELETE), None, NOW).actions == (Action.FORGET, Action.PURGE)


# A cluster such as Kubernetes: it ends the peers of a failed pod by itself, and keeps the logs until they are fetched.


def far(*pods, **shown):
    return Present(AttemptSnapshot(ObjectRef(JOB, 1), len(pods), pods, ends_peers=True, **shown))


def test_a_cluster_that_ends_the_peers_itself_is_left_to_do_so():
    decision = decide(view(), far(FAILED, RUNS), NOW)
    assert decision.ending.reason is EndReason.COMMAND_FAILED
    assert decision.actions == ()
    assert decide(view(ending=decision.ending), far(FAILED, RUNS), NOW).actions == ()


def test_what_the_platform_itself_wants_ended_is_deleted_there_too():
    decision = decide(view(max_run_seconds=60), far(RUNS, RUNS), NOW)
    assert decision.actions == (Action.DELETE,)
    assert decide(view(ending=decision.ending), far(FAILED, RUNS), NOW).actions == (Action.DELETE,)


def test_what_is_going_down_is_not_deleted_again():
    late = view(ending=Ending(EndReason.TIMED_OUT, {"limit": 60}))
    assert decide(late, far(RUNS, going_down=True), NOW).actions == ()
    assert decide(view(JobStatus.STOPPING, Desired.STOP), far(RUNS, going_down=True), NOW).actions == ()


def test_an_end_is_told_at_once_and_the_object_stays_until_its_logs_are_stored():
    ended = decide(view(fetches_logs=True), far(DONE), NOW)
    assert ended.transition.new is JobStatus.SUCCEEDED
    assert (ended.actions, ended.check_in) == ((), 5.0)
    over = {"fetches_logs": True, "finished_at": NOW}
    waits = decide(view(JobStatus.SUCCEEDED, logs_stored=False, **over), None, NOW)
    assert (waits.actions, waits.check_in) == ((), 5.0)
    assert decide(view(JobStatus.SUCCEEDED, logs_stored=True, **over), None, NOW).actions == (Action.FORGET,)


def test_the_longer_its_logs_are_missing_the_less_often_they_are_asked_for():
    over = view(JobStatus.SUCCEEDED, fetches_logs=True, logs_stored=False, finished_at=NOW)
    assert decide(over, None, NOW + timedelta(minutes=1)).check_in == 15.0
    assert decide(over, None, NOW + timedelta(days=1)).check_in == 60.0


def test_it_stays_for_as_long_as_asked_for():
    over = view(JobStatus.FAILED, fetches_logs=True, finished_at=NOW, keep_seconds=100.0)
    assert decide(over, None, NOW + timedelta(seconds=40)) == Decision(check_in=60.0)
    assert decide(over, None, NOW + timedelta(seconds=100)) == Decision(actions=(Action.FORGET,), check_in=None)


def test_a_deleted_jobs_logs_are_not_waited_for():
    gone = {"fetches_logs": True, "logs_stored": False, "keep_seconds": 100.0, "finished_at": NOW}
    purged = (Action.FORGET, Action.PURGE)
    assert decide(view(JobStatus.FAILED, Desired.DELETE, **gone), None, NOW).actions == purged
    assert decide(view(JobStatus.STOPPING, Desired.DELETE, **gone), far(FAILED), NOW).actions == purged


def test_a_retry_leaves_the_old_attempt_until_its_logs_are_stored():
    again = decide(view(max_retries=1, fetches_logs=True), far(FAILED), NOW)
    assert again.transition.new is JobStatus.PENDING
    assert again.actions == ()


def waiting(reason, message):
    return replace(pod(PodPhase.PENDING), waiting_reason=reason, waiting_message=message)


NO_IMAGE = waiting("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: x: not found')
BAD_NAME = waiting("InvalidImageName", 'Failed to apply default image tag "X:Y:Z": invalid reference format')


def test_what_it_waits_for_is_told_and_waited_for_so_long():
    starting = view(JobStatus.STARTING, stuck_seconds=100.0)
    first = decide(starting, far(NO_IMAGE), NOW)
    assert first.explain[0] == "ImageUnavailable"
    assert (first.stuck_since, first.ending) == (NOW, None)
    assert first.explain[1]["patience"] == 100
    stuck = view(JobStatus.STARTING, stuck_seconds=100.0, stuck_since=NOW)
    soon = decide(stuck, far(NO_IMAGE), NOW + timedelta(seconds=99.5))
    assert (soon.stuck_since, soon.ending, soon.check_in) == (NOW, None, 0.5)
    late = decide(stuck, far(NO_IMAGE), NOW + timedelta(seconds=100))
    assert late.ending.reason is EndReason.IMAGE_UNAVAILABLE
    assert late.actions == (Action.DELETE,)


def test_what_comes_after_all_starts_the_wait_anew():
    stuck = view(JobStatus.STARTING, stuck_since=NOW - timedelta(hours=1))
    preparing = decide(stuck, far(pod(PodPhase.PENDING)), NOW)
    assert (preparing.stuck_since, preparing.ending) == (None, None)
    assert decide(stuck, Unknown("?"), NOW).stuck_since == stuck.stuck_since


def test_what_can_never_come_is_not_waited_for():
    assert decide(view(JobStatus.STARTING, stuck_seconds=100.0), far(BAD_NAME), NOW).ending.reason is (
        EndReason.IMAGE_UNAVAILABLE
    )


def test_what_kueue_takes_back_ends_and_is_taken_down():
    evicted = Condition("Evicted", True, "Preempted", "preempted by a higher priority", NOW)
    running = decide(view(), far(pod(PodPhase.PENDING), suspended=True, admission=(evicted,)), NOW)
    assert running.ending.reason is EndReason.PREEMPTED
    assert running.actions == (Action.DELETE,)
    waits = decide(view(JobStatus.STARTING), far(pod(PodPhase.PENDING), suspended=True, admission=(evicted,)), NOW)
    assert waits.ending is None


def test_a_cause_that_shows_later_takes_the_place_of_its_consequence():
    first = Ending(EndReason.COMMAND_FAILED, {"pod": "0"})
    lost = pod(PodPhase.FAILED, PodReason.NODE_LOST, replica=1)
    assert decide(view(ending=first), far(FAILED, lost), NOW).ended.reason is EndReason.NODE_LOST
    limit = Ending(EndReason.TIMED_OUT, {"limit": 60})
    assert decide(view(ending=limit), far(FAILED, lost), NOW).ended == limit


def recorded(*pods, replicas):
    return AttemptSnapshot(ObjectRef(JOB, 1), replicas, pods)


def test_what_was_recorded_before_everything_was_deleted_decides_how_it_ended():
    proven = {"absent_since": NOW - ABSENCE_PROOF}
    done = decide(view(recorded=recorded(DONE, DONE, replicas=2), **proven), Absent(), NOW)
    assert done.ended.reason is EndReason.COMPLETED
    failed = decide(view(recorded=recorded(DONE, FAILED, replicas=2), **proven), Absent(), NOW)
    assert failed.ended.reason is EndReason.COMMAND_FAILED
    assert decide(view(recorded=recorded(DONE, replicas=1)), Absent(), NOW).ended is None, "absence needs its proof"


def test_a_pod_that_is_only_gone_is_believed_when_it_stays_so():
    gone = PodSnapshot(PodRef(JOB, 1, 0), PodPhase.FAILED, reason=PodReason.DELETED)
    first = decide(view(), far(gone), NOW)
    assert (first.transition, first.ended, first.absent_since) == (None, None, NOW)
    again = decide(view(absent_since=NOW), far(gone), NOW + ABSENCE_PROOF)
    assert again.ended.reason is EndReason.LOST


def test_a_loss_tells_what_is_known_of_its_pods():
    partly = decide(view(absent_since=NOW - ABSENCE_PROOF, recorded=recorded(DONE, replicas=2)), Absent(), NOW)
    assert partly.ended.reason is EndReason.LOST
    assert partly.ended.params == {"variant": "partly", "over": 1, "pods": 2, "detail": f"{JOB}-1-0: 0"}
    nothing = decide(view(absent_since=NOW - ABSENCE_PROOF, recorded=recorded(replicas=2)), Absent(), NOW)
    assert nothing.ended.params["variant"] == "gone"


def test_a_running_job_goes_unseen_no_longer_than_to_its_time_limit():
    assert decide(view(steady_seconds=120.0), seen(RUNS), NOW).check_in == 120.0
    assert decide(view(steady_seconds=120.0, max_run_seconds=90), seen(RUNS), NOW).check_in == 30.0


def test_the_longer_it_starts_the_less_often_it_is_looked_at():
    pending = seen(pod(PodPhase.PENDING))
    assert decide(view(JobStatus.STARTING, launched_at=NOW), pending, NOW).check_in == 1.0
    assert decide(view(JobStatus.STARTING, launched_at=NOW - timedelta(seconds=20)), pending, NOW).check_in == 5.0
    assert decide(view(JobStatus.STARTING, launched_at=NOW - timedelta(hours=1)), pending, NOW).check_in == 15.0


def test_a_final_job_is_only_tidied_away():
    decision = decide(view(JobStatus.FAILED), seen(RUNS), NOW)
    assert decision.actions == (Action.FORGET,)
    assert decision.check_in is None


PODS = st.builds(
    pod,
    st.sampled_from(PodPhase),
    st.sampled_from(PodReason),
    st.none() | st.integers(0, 255),
    finished=st.none() | st.just(NOW),
)
OBSERVATIONS = st.one_of(
    st.none(),
    st.just(Absent()),
    st.just(Unknown("?")),
    st.lists(PODS, min_size=1, max_size=4).map(lambda p: seen(*p)),
    st.builds(lambda p, down: far(*p, going_down=down), st.lists(PODS, min_size=1, max_size=4), st.booleans()),
)
# What the platform itself takes an attempt down for: neither a stop nor a success is stored as an ending.
ENDINGS = sorted(frozenset(EndReason) - {EndReason.STOPPED_BY_USER, EndReason.COMPLETED})
VIEWS = st.builds(
    View,
    status=st.sampled_from(JobStatus),
    desired=st.sampled_from(Desired),
    attempt=st.integers(0, 4),
    launched=st.booleans(),
    ending=st.none() | st.builds(Ending, st.sampled_from(ENDINGS)),
    absent_since=st.none() | st.just(NOW - timedelta(seconds=1)) | st.just(NOW - timedelta(hours=1)),
    started_at=st.none() | st.just(NOW - timedelta(seconds=60)),
    max_run_seconds=st.none() | st.integers(1, 100),
    max_retries=st.integers(0, 3),
    recorded=st.none() | st.lists(st.just(DONE) | st.just(FAILED), max_size=2).map(lambda p: recorded(*p, replicas=2)),
    fetches_logs=st.booleans(),
    logs_stored=st.booleans(),
    finished_at=st.none() | st.just(NOW - timedelta(seconds=30)),
    keep_seconds=st.just(0.0) | st.just(60.0),
)


@given(VIEWS, OBSERVATIONS)
@example(View(JobStatus.STOPPING, Desired.RUN, absent_since=NOW - timedelta(hours=1), max_retries=1), Absent())
def test_every_decision_keeps_the_rules(given_view, observation):
    decision = decide(given_view, observation, NOW)
    if decision.transition:
        assert given_view.status not in FINAL
        if given_view.status is not JobStatus.PENDING and given_view.status is not JobStatus.QUEUED:
            assert allowed(given_view.status, decision.transition.new), "a move the table forbids"
    if isinstance(observation, Unknown) and given_view.status not in FINAL:
        assert decision.ended is None, "ended on no evidence"
    if isinstance(observation, Present) and not observation.snapshot.all_over:
        assert decision.ended is None, "ended while something runs"
    if decision.transition and decision.transition.new in FINAL:
        assert decision.ended
        assert decision.check_in is None or given_view.fetches_logs
    else:
        assert decision.check_in is not None or given_view.status in FINAL, "an active job nobody looks at again"
    if Action.FORGET in decision.actions and given_view.fetches_logs and given_view.desired is not Desired.DELETE:
        assert given_view.status in FINAL
        assert given_view.logs_stored, "the only copy of a log was thrown away"
    if given_view.desired is not Desired.RUN and given_view.status not in FINAL:
        assert Action.LAUNCH not in decision.actions
        assert not decision.transition or decision.transition.new in (JobStatus.STOPPING, JobStatus.STOPPED)
