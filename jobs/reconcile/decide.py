"""What to do about a job, from its row and from what its cluster shows. Pure: the rules, and nothing but the rules.

    decide(view, observation, now) → Decision(move?, ending?, ended?, actions, check_in)

A wish to stop outweighs everything; what runs must be proven gone before a job is final; absence needs two proofs some
seconds apart; what cannot be seen changes nothing; where the platform fetches logs, what is over stays on its cluster
until they are stored.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from jobs.cluster.base import Absent, AttemptSnapshot, Observation, Present, Unknown
from jobs.cluster.diagnosis import (
    Asked,
    Ending,
    Stuck,
    diagnose,
    diagnose_attempt,
    driven_out,
    evicted_by_queue,
    why_waiting,
)
from jobs.states import FINAL, Desired, EndReason, JobStatus, may_retry

ABSENCE_PROOF = timedelta(seconds=3)
STEADY_SECONDS = 15.0  # a running job is looked at so often even when no hint comes
BUSY_SECONDS = 1.0  # something is under way: starting, or being taken down
HINTED_BUSY_SECONDS = 5.0  # where the cluster's hints tell of what happens, a look is for those that get lost
BLIND_SECONDS = 5.0
PATIENCE = 4  # what has been waited for n seconds is looked at again in n / PATIENCE, within the bounds of its kind
LONGEST_TIDY_SECONDS = 60.0
RETRY_SECONDS = (1.0, 5.0, 15.0, 60.0)
SHOWN = 5  # pods named in evidence
# What a pod's failure can end an attempt with; anything else is the platform's own wish.
ENDED_BY_A_POD = frozenset(
    {EndReason.COMMAND_FAILED, EndReason.OUT_OF_MEMORY, EndReason.NODE_LOST, EndReason.PREEMPTED, EndReason.LOST}
)
CAUSES = frozenset({EndReason.NODE_LOST, EndReason.PREEMPTED, EndReason.OUT_OF_MEMORY})
CONSEQUENCES = frozenset({EndReason.COMMAND_FAILED, EndReason.LOST})


class Action(StrEnum):
    LAUNCH = "launch"
    DELETE = "delete"
    FORGET = "forget"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class View:
    """What the rules need to know of a job, its current attempt (`attempt` 0: none yet) and its pool.

    `recorded`: what the registry knows of pods that are over, for when the cluster shows the attempt no more.
    `fetches_logs`: logs are on the cluster until they were fetched, and `logs_stored` tells whether all of them were;
    then what is over stays there for another `keep_seconds`. `stuck_seconds`: how long it may wait for what will not
    come by itself. `steady_seconds` and `busy_seconds`: how long a running and a starting job may go unseen."""

    status: JobStatus
    desired: Desired
    attempt: int = 0
    launched: bool = False
    ending: Ending | None = None
    absent_since: datetime | None = None
    stuck_since: datetime | None = None
    launched_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    max_run_seconds: int | None = None
    max_retries: int = 0
    retry_on: frozenset[str] = frozenset()
    stop_params: dict[str, Any] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)
    stuck_seconds: float = 300.0
    recorded: AttemptSnapshot | None = None
    fetches_logs: bool = False
    logs_stored: bool = True
    keep_seconds: float = 0.0
    steady_seconds: float = STEADY_SECONDS
    busy_seconds: float = BUSY_SECONDS


@dataclass(frozen=True, slots=True)
class Transition:
    new: JobStatus
    reason: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """`ending`: begin to take the attempt down, for this reason. `ended`: the attempt is over, for this reason.
    `explain`: the status stays, the reason shown for it changes. `check_in`: seconds; None is "never again"."""

    transition: Transition | None = None
    explain: tuple[str, dict[str, Any]] | None = None
    ending: Ending | None = None
    ended: Ending | None = None
    actions: tuple[Action, ...] = ()
    absent_since: datetime | None = None
    stuck_since: datetime | None = None
    check_in: float | None = STEADY_SECONDS


def decide(view: View, observation: Observation | None, now: datetime) -> Decision:
    """`observation` is None when nothing was launched that could be seen."""
    if view.status in FINAL:
        return decide_final(view, now)
    if view.desired is not Desired.RUN or view.status is JobStatus.STOPPING:
        return decide_stop(view, observation, now)
    if not view.launched and view.ending is None:
        return Decision(actions=(Action.LAUNCH,), check_in=BUSY_SECONDS)
    match observation:
        case Present(snapshot):
            return decide_present(view, snapshot, now)
        case Absent():
            return decide_absent(view, now)
        case Unknown(why):
            return Decision(
                explain=("PoolUnavailable", {"error": why}),
                absent_since=view.absent_since,
                stuck_since=view.stuck_since,
                check_in=BLIND_SECONDS,
            )
        case None:
            return Decision(check_in=BUSY_SECONDS)


def decide_final(view: View, now: datetime) -> Decision:
    if view.attempt and (pause := stays_for(view, now)):
        return Decision(check_in=pause)
    return Decision(actions=tidied(view), check_in=None)


def stays_for(view: View, now: datetime) -> float | None:
    """When to ask again whether what is left of the attempt may go; None: now. Nobody reads the logs of a deleted
    job."""
    if view.desired is Desired.DELETE or not view.fetches_logs:
        return None
    since_end = seconds_since(view.finished_at, now)
    if not view.logs_stored:
        return patient(since_end, least=HINTED_BUSY_SECONDS, most=LONGEST_TIDY_SECONDS)
    return view.keep_seconds - since_end if since_end < view.keep_seconds else None


def tidied(view: View) -> tuple[Action, ...]:
    purge = (Action.PURGE,) if view.desired is Desired.DELETE else ()
    return (Action.FORGET, *purge) if view.attempt else purge


def decide_stop(view: View, observation: Observation | None, now: datetime) -> Decision:
    stopped = Ending(EndReason.STOPPED_BY_USER, view.stop_params)
    if view.status is not JobStatus.STOPPING:
        return Decision(transition=Transition(JobStatus.STOPPING, "StopRequested", view.stop_params), check_in=0.0)
    match observation:
        case None if not view.attempt:
            return end(view, stopped)
        case Present(snapshot) if snapshot.all_over:
            return end(view, stopped)
        case Present(snapshot) if snapshot.going_down:
            return Decision(check_in=BUSY_SECONDS)
        case Absent() if not view.launched or proven_absent(view, now):
            return end(view, stopped)
        case Absent():
            return wait_for_proof(view, now)
        case _:
            return Decision(actions=(Action.DELETE,), absent_since=None, check_in=BUSY_SECONDS)


def decide_present(view: View, snapshot: AttemptSnapshot, now: datetime) -> Decision:
    if snapshot.all_over:
        # The agent may be about to record how a pod that is gone ended: it saw it to the last.
        if any(pod.is_only_gone for pod in snapshot.pods) and not proven_absent(view, now):
            return wait_for_proof(view, now)
        return end(view, settled(view.ending, snapshot))
    if view.ending:
        return Decision(actions=taking_down(view.ending, snapshot), check_in=BUSY_SECONDS)
    driven = diagnose(snapshot.pods) or driven_out(snapshot.pods)
    if ending := driven or overrun(view, now) or taken_back(view, snapshot):
        return begin_to_end(ending, snapshot)
    if view.status is not JobStatus.STARTING:
        return Decision(explain=("Running", {"pods": snapshot.replicas}), check_in=until_deadline(view, now))
    if not snapshot.all_running:
        return decide_waiting(view, snapshot, now)
    return Decision(
        transition=Transition(JobStatus.RUNNING, "Running", {"pods": snapshot.replicas}),
        check_in=until_deadline(view, now),
    )


def decide_waiting(view: View, snapshot: AttemptSnapshot, now: datetime) -> Decision:
    """It does not run yet. What it waits for is told; what will not come by itself is waited for so long, and what can
    never come not at all."""
    pause = patient(seconds_since(view.launched_at, now), least=view.busy_seconds, most=STEADY_SECONDS)
    finding = why_waiting(snapshot, view.asked)
    if finding is None:
        return Decision(explain=("Starting", {}), check_in=pause)
    if not finding.stuck:
        return Decision(explain=(finding.reason, finding.params), check_in=pause)
    since = view.stuck_since or now
    left = 0.0 if finding.stuck is Stuck.NEVER else view.stuck_seconds - seconds_since(since, now)
    if left <= 0 and finding.as_ending:
        return begin_to_end(finding.as_ending, snapshot)
    return Decision(
        explain=(finding.reason, {**finding.params, "patience": round(view.stuck_seconds)}),
        stuck_since=since,
        check_in=min(pause, left) if left > 0 else pause,
    )


def taken_back(view: View, snapshot: AttemptSnapshot) -> Ending | None:
    """While it still waits to run, what was taken back may be given again."""
    return evicted_by_queue(snapshot) if view.status is JobStatus.RUNNING else None


def begin_to_end(ending: Ending, snapshot: AttemptSnapshot) -> Decision:
    return Decision(
        ending=ending,
        explain=("Ending", {"ended": ending.reason.value}),
        actions=taking_down(ending, snapshot),
        check_in=BUSY_SECONDS,
    )


def taking_down(ending: Ending, snapshot: AttemptSnapshot) -> tuple[Action, ...]:
    """Nothing when it is under way already. Where the cluster itself ends the peers of a failed pod it is left to do
    so: to delete the attempt would take the failed pod's log along."""
    ends_itself = snapshot.ends_peers and not snapshot.suspended and ending.reason in ENDED_BY_A_POD
    return () if snapshot.going_down or ends_itself else (Action.DELETE,)


def settled(known: Ending | None, snapshot: AttemptSnapshot) -> Ending:
    """Why an attempt that is over ended. What the first failure told stands, unless the others tell of what caused it:
    a lost machine shows later than the connection errors it brings."""
    told = told_by(snapshot)
    if known is None or (known.reason in CONSEQUENCES and told.reason in CAUSES):
        return told
    return known


def decide_absent(view: View, now: datetime) -> Decision:
    if view.ending and not view.launched:
        return end(view, view.ending)
    if not proven_absent(view, now):
        return wait_for_proof(view, now)
    if view.recorded and view.recorded.all_over:
        return end(view, settled(view.ending, view.recorded))
    return end(view, view.ending or lost(view.recorded))


def told_by(snapshot: AttemptSnapshot) -> Ending:
    """What an attempt that is over says of its end. Pods that were asked to end, though not by the platform, are no
    success."""
    completed = Ending(EndReason.COMPLETED) if snapshot.all_succeeded else lost(None)
    return diagnose_attempt(snapshot) or completed


def lost(recorded: AttemptSnapshot | None) -> Ending:
    """With what is known of its pods as evidence."""
    if recorded is None or not recorded.pods:
        return Ending(EndReason.LOST, {"variant": "gone", "detail": ""})
    told = [f"{pod.ref.name}: {pod.exit_code}" for pod in recorded.pods[:SHOWN]]
    params = {"variant": "partly", "over": len(recorded.pods), "pods": recorded.replicas, "detail": ", ".join(told)}
    return Ending(EndReason.LOST, params)


def proven_absent(view: View, now: datetime) -> bool:
    return view.absent_since is not None and now - view.absent_since >= ABSENCE_PROOF


def wait_for_proof(view: View, now: datetime) -> Decision:
    return Decision(absent_since=view.absent_since or now, check_in=ABSENCE_PROOF.total_seconds())


def overrun(view: View, now: datetime) -> Ending | None:
    if view.max_run_seconds is None or view.started_at is None:
        return None
    if (now - view.started_at).total_seconds() < view.max_run_seconds:
        return None
    return Ending(EndReason.TIMED_OUT, {"limit": view.max_run_seconds})


def until_deadline(view: View, now: datetime) -> float:
    if view.max_run_seconds is None:
        return view.steady_seconds
    return min(view.steady_seconds, max(0.05, view.max_run_seconds - seconds_since(view.started_at, now)))


def seconds_since(then: datetime | None, now: datetime) -> float:
    return (now - (then or now)).total_seconds()


def patient(waited: float, *, least: float, most: float) -> float:
    """Seconds until the next look at what was waited for in vain so long."""
    return min(most, max(least, waited / PATIENCE))


def end(view: View, ending: Ending) -> Decision:
    """The attempt is over: the job ends with it, or the retry policy gives it another. Where logs are fetched,
    what is left of an attempt before the last is the orphan sweep's to remove."""
    if view.desired is Desired.RUN and may_retry(
        ending.reason, attempt=view.attempt, max_retries=view.max_retries, on=view.retry_on
    ):
        params = {
            "attempt": view.attempt,
            "next": view.attempt + 1,
            "most": view.max_retries + 1,
            "ended": ending.reason.value,
        }
        pause = RETRY_SECONDS[min(view.attempt, len(RETRY_SECONDS)) - 1]
        return Decision(
            transition=Transition(JobStatus.PENDING, "Retrying", params),
            ended=ending,
            actions=() if view.fetches_logs else (Action.FORGET,),
            check_in=pause,
        )
    # Where logs are fetched, a later pass asks whether they are stored: this one read of no pod that it was over.
    later = view.attempt and view.fetches_logs and view.desired is not Desired.DELETE
    return Decision(
        transition=Transition(ending.reason.status, ending.reason.value, ending.params),
        ended=ending,
        actions=() if later else tidied(view),
        check_in=HINTED_BUSY_SECONDS if later else None,
    )
