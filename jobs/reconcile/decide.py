"""What to do about a job, from its row and from what its cluster shows. Pure: the rules, and nothing but the rules.

    decide(view, observation, now) → Decision(move?, ending?, ended?, actions, check_in)

A wish to stop outweighs everything; what runs must be proven gone before a job is final; absence needs two proofs some
seconds apart; what cannot be seen changes nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from jobs.cluster.base import Absent, AttemptSnapshot, Observation, Present, Unknown
from jobs.cluster.diagnosis import Ending, diagnose
from jobs.states import FINAL, Desired, EndReason, JobStatus, may_retry

ABSENCE_PROOF = timedelta(seconds=3)
WATCHED_SECONDS = 15.0  # a running job is looked at so often even when no hint comes
BUSY_SECONDS = 1.0  # something is under way: starting, or being taken down
BLIND_SECONDS = 5.0
RETRY_SECONDS = (1.0, 5.0, 15.0, 60.0)


class Action(StrEnum):
    LAUNCH = "launch"
    DELETE = "delete"
    FORGET = "forget"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class View:
    """What the rules need to know of a job and its current attempt (`attempt` 0: none yet)."""

    status: JobStatus
    desired: Desired
    attempt: int = 0
    launched: bool = False
    ending: Ending | None = None
    absent_since: datetime | None = None
    started_at: datetime | None = None
    max_run_seconds: int | None = None
    max_retries: int = 0
    retry_on: frozenset[str] = frozenset()
    stop_params: dict[str, Any] = field(default_factory=dict)


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
    check_in: float | None = WATCHED_SECONDS


def decide(view: View, observation: Observation | None, now: datetime) -> Decision:
    """`observation` is None when nothing was launched that could be seen."""
    if view.status in FINAL:
        purge = (Action.PURGE,) if view.desired is Desired.DELETE else ()
        return Decision(actions=(Action.FORGET, *purge) if view.attempt else purge, check_in=None)
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
                explain=("PoolUnavailable", {"error": why}), absent_since=view.absent_since, check_in=BLIND_SECONDS
            )
        case None:
            return Decision(check_in=BUSY_SECONDS)


def decide_stop(view: View, observation: Observation | None, now: datetime) -> Decision:
    stopped = Ending(EndReason.STOPPED_BY_USER, view.stop_params)
    if view.status is not JobStatus.STOPPING:
        return Decision(transition=Transition(JobStatus.STOPPING, "StopRequested", view.stop_params), check_in=0.0)
    match observation:
        case None if not view.attempt:
            return end(view, stopped)
        case Present(snapshot) if snapshot.all_over:
            return end(view, stopped)
        case Absent() if not view.launched or proven_absent(view, now):
            return end(view, stopped)
        case Absent():
            return wait_for_proof(view, now)
        case _:
            return Decision(actions=(Action.DELETE,), absent_since=None, check_in=BUSY_SECONDS)


def decide_present(view: View, snapshot: AttemptSnapshot, now: datetime) -> Decision:
    if snapshot.all_over:
        return end(view, view.ending or diagnose(snapshot.pods) or Ending(EndReason.COMPLETED))
    if view.ending:
        return Decision(actions=(Action.DELETE,), check_in=BUSY_SECONDS)
    if ending := diagnose(snapshot.pods) or overrun(view, now):
        return Decision(
            ending=ending,
            explain=("Ending", {"ended": ending.reason.value}),
            actions=(Action.DELETE,),
            check_in=BUSY_SECONDS,
        )
    if view.status is JobStatus.STARTING:
        if not snapshot.all_running:
            return Decision(check_in=BUSY_SECONDS)
        return Decision(
            transition=Transition(JobStatus.RUNNING, "Running", {"pods": snapshot.replicas}),
            check_in=until_deadline(view, now),
        )
    return Decision(explain=("Running", {"pods": snapshot.replicas}), check_in=until_deadline(view, now))


def decide_absent(view: View, now: datetime) -> Decision:
    if view.ending and not view.launched:
        return end(view, view.ending)
    if not proven_absent(view, now):
        return wait_for_proof(view, now)
    return end(view, view.ending or Ending(EndReason.LOST, {"detail": ""}))


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
        return WATCHED_SECONDS
    ran = (now - (view.started_at or now)).total_seconds()
    return min(WATCHED_SECONDS, max(0.05, view.max_run_seconds - ran))


def end(view: View, ending: Ending) -> Decision:
    """The attempt is over: the job ends with it, or the retry policy gives it another."""
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
            actions=(Action.FORGET,),
            check_in=pause,
        )
    purge = (Action.PURGE,) if view.desired is Desired.DELETE else ()
    forget = (Action.FORGET,) if view.attempt else ()
    return Decision(
        transition=Transition(ending.reason.status, ending.reason.value, ending.params),
        ended=ending,
        actions=(*forget, *purge),
        check_in=None,
    )
