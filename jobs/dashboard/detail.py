"""One job as its page shows it."""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs import wording
from jobs.dashboard import status, timeline
from jobs.dashboard.rights import Rights
from jobs.events import newest_first
from jobs.evidence import explanation_of
from jobs.models import Attempt, Event, Job, Pod

EVENTS_SHOWN = 100
PODS_SHOWN = 50  # of an attempt
SECRET_SHOWN = "••••••"

PHASES: dict[str, tuple[Promise, str]] = {
    "Pending": (_("Pending"), "pending"),
    "Running": (_("Running"), "running"),
    "Succeeded": (_("Succeeded"), "succeeded"),
    "Failed": (_("Failed"), "failed"),
    "Unknown": (_("Unknown"), "stale"),
}
TONES = {"pending": "waiting", "running": "moving", "succeeded": "done", "failed": "failed", "stale": "look"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks to see."""

    pod: str = ""  # whose log
    all_events: bool = False
    warnings_only: bool = False  # of the events
    all_pods: bool = False
    whole_timeline: bool = False
    run_only: bool = False  # the timeline begins at the first attempt


@dataclass(frozen=True, slots=True)
class PodRow:
    pod: Pod
    word: str
    key: str
    tone: str
    duration: float | None
    is_running: bool
    is_shown: bool  # its log is the one on the page


@dataclass(frozen=True, slots=True)
class AttemptRow:
    attempt: Attempt
    ended: str
    pods: list[PodRow]
    listed_pods: list[PodRow]  # those of them that the table has
    is_current: bool

    @property
    def pods_left_out(self) -> int:
        return len(self.pods) - len(self.listed_pods)


@dataclass(frozen=True, slots=True)
class EventRow:
    event: Event
    message: str
    tone: str


@dataclass(frozen=True, slots=True)
class Events:
    rows: list[EventRow]  # newest first
    total: int
    warnings: int  # of the total
    warnings_only: bool  # that is asked for

    @property
    def left_out(self) -> int:
        return (self.warnings if self.warnings_only else self.total) - len(self.rows)


@dataclass(frozen=True, slots=True)
class Detail:
    job: Job
    status: status.StatusView
    attempts: list[AttemptRow]  # newest first
    events: Events
    timeline: timeline.Timeline
    shown_pod: Pod | None
    ready: int
    duration: float | None
    may_control: bool
    may_submit: bool

    @property
    def config_text(self) -> str:
        return config_text(self.job.config)

    @property
    def command_text(self) -> str:
        return visible_text(command_text(self.job.config.get("command", [])))


def build(user: User, job: Job, now: datetime, asked: Asked) -> Detail:
    pods = list(Pod.objects.filter(job=job).select_related("attempt").order_by("-attempt__number", "replica"))
    shown = choose_pod(pods, asked.pod)
    if shown:
        shown.job = job  # which is read already
    rights = Rights(user)
    events = events_of(job, asked)
    attempts = attempt_rows(job, [pod_row(pod, shown, now) for pod in pods], asked)
    return Detail(
        job=job,
        status=status.view_of(job, now, explanation_of(job)),
        attempts=attempts,
        events=events,
        timeline=timeline.build(
            job,
            [row.attempt for row in attempts],
            pods,
            [row.event for row in events.rows],
            now,
            whole=asked.whole_timeline,
            run_only=asked.run_only,
        ),
        shown_pod=shown,
        ready=sum(pod.ready for pod in pods if pod.attempt.number == job.attempt_number),
        duration=job.duration_seconds(now),
        may_control=rights.may_control(job),
        may_submit=rights.may_submit,
    )


def choose_pod(pods: list[Pod], name: str) -> Pod | None:
    """The named pod, or the first replica of the newest attempt; a name that is not there means the same."""
    return next((pod for pod in pods if pod.name == name), pods[0] if pods else None)


def attempt_rows(job: Job, pods: list[PodRow], asked: Asked) -> list[AttemptRow]:
    of_attempt: dict[int, list[PodRow]] = {}
    for row in pods:
        of_attempt.setdefault(row.pod.attempt_id, []).append(row)
    attempts = list(Attempt.objects.filter(job=job).order_by("-number"))
    return [
        AttemptRow(
            attempt=attempt,
            ended=str(wording.END_REASONS.get(attempt.end_reason, attempt.end_reason)),
            pods=of_attempt.get(attempt.pk, []),
            listed_pods=listed(of_attempt.get(attempt.pk, []), everything=asked.all_pods),
            is_current=attempt is attempts[0],  # the job's own row may be older than these
        )
        for attempt in attempts
    ]


def listed(rows: list[PodRow], *, everything: bool) -> list[PodRow]:
    """Of more than 50 those that failed, and the first of the others; in their order."""
    if everything or len(rows) <= PODS_SHOWN:
        return rows
    first = sorted(rows, key=lambda row: (row.key != "failed", row.pod.replica))[:PODS_SHOWN]
    return sorted(first, key=lambda row: row.pod.replica)


def pod_row(pod: Pod, shown: Pod | None, now: datetime) -> PodRow:
    word, key = PHASES.get(pod.phase, PHASES["Unknown"])
    return PodRow(
        pod=pod,
        word=str(word),
        key=key,
        tone=TONES[key],
        duration=((pod.finished_at or now) - pod.started_at).total_seconds() if pod.started_at else None,
        is_running=pod.phase == "Running",
        is_shown=shown is not None and pod.pk == shown.pk,
    )


def events_of(job: Job, asked: Asked) -> Events:
    """The last 100 of those that are asked for, or all of them."""
    events = newest_first(job)
    numbers = events.order_by().aggregate(total=Count("pk"), warnings=Count("pk", filter=Q(type=Event.WARNING)))
    chosen = events.filter(type=Event.WARNING) if asked.warnings_only else events
    rows = [
        EventRow(
            event=event,
            message=wording.event_message(event),
            tone="look" if event.type == Event.WARNING else "waiting",
        )
        for event in (chosen if asked.all_events else chosen[:EVENTS_SHOWN])
    ]
    return Events(rows, **numbers, warnings_only=asked.warnings_only)


def command_text(command: object) -> str:
    """A shell line as its writer typed it, any other command as a JSON list."""
    if isinstance(command, str):
        return command
    if isinstance(command, list) and len(command) == 3 and command[:2] == ["/bin/sh", "-c"]:
        return str(command[2])
    return json.dumps(command, ensure_ascii=False)


def config_text(config: Mapping[str, Any]) -> str:
    return visible_text(json.dumps(config, ensure_ascii=False, indent=2))


def visible_text(text: str) -> str:
    r"""Control and direction-changing characters as \uXXXX: what is shown is what is there."""
    return "".join(
        f"\\u{ord(char):04x}" if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf") else char
        for char in text
    )
