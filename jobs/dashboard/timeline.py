"""A job's life as lines over one time scale: the job's own phases, each attempt, each pod, with the events on them.

It is made of rows that were read for the page anyway, and asks for nothing itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs import wording
from jobs.dashboard.spans import Scale, Tick
from jobs.dashboard.timeline_lines import Line, Mark, attempt_line, job_line, pod_line
from jobs.models import Attempt, Event, Job, Pod

LINES_SHOWN = 12
MARKS_APART = 0.8  # percent: events closer than this are one mark


@dataclass(frozen=True, slots=True)
class Timeline:
    lines: list[Line]
    ticks: list[Tick]
    left_out: int  # lines
    run_only: bool
    queue_hides_run: bool


def build(
    job: Job,
    attempts: Sequence[Attempt],
    pods: Iterable[Pod],
    events: Iterable[Event],
    now: datetime,
    *,
    whole: bool = False,
    run_only: bool = False,
) -> Timeline:
    """Oldest attempt first. Not `whole`: the job and the newest lines, twelve in all. `run_only`: from the first
    attempt on, where there is one."""
    attempts = sorted(attempts, key=lambda attempt: attempt.number)
    start = attempts[0].created_at if run_only and attempts else job.created_at
    scale = Scale(start, (job.finished_at if job.is_final else None) or now)
    lines = [job_line(job, attempts, scale)]
    for attempt in attempts:
        lines.append(attempt_line(attempt, scale))
        mine = sorted((pod for pod in pods if pod.attempt_id == attempt.pk), key=lambda pod: pod.replica)
        lines += [pod_line(pod, attempt, scale) for pod in mine]
    place_events(lines, [event for event in events if not run_only or event.last_at >= start], scale)
    shown = lines if whole else [lines[0], *newest(lines[1:], LINES_SHOWN - 1)]
    left_out = len(lines) - len(shown)
    return Timeline(shown, scale.ticks(), left_out, run_only, queue_hides_run=hides_run(job, attempts, now))


def newest(lines: list[Line], most: int) -> list[Line]:
    """The newest attempt's first lines, and as many whole attempts before it as there is room for."""
    starts = [index for index, line in enumerate(lines) if line.kind == "attempt"]
    fitting = [start for start in starts if len(lines) - start <= most]
    start = fitting[0] if fitting else starts[-1] if starts else 0
    return lines[start : start + most]


def hides_run(job: Job, attempts: Sequence[Attempt], now: datetime) -> bool:
    """Whether the wait before the first attempt leaves the rest too little room."""
    if not attempts:
        return False
    end = (job.finished_at if job.is_final else None) or now
    return attempts[0].created_at - job.created_at > 2 * (end - attempts[0].created_at)


def place_events(lines: Sequence[Line], events: Iterable[Event], scale: Scale) -> None:
    """Each on its pod's line, else its attempt's, else the job's."""
    by_key = {line.key: line for line in lines}
    for event in sorted(events, key=lambda event: event.last_at):
        line = by_key.get(event.pod_name) or by_key.get(f"attempt-{event.attempt}") or lines[0]
        share = scale.share(event.last_at)
        text = f"{event.reason}: {wording.event_message(event)}"
        is_warning = event.type == Event.WARNING
        last = line.marks[-1] if line.marks else None
        if last and share - last.share < MARKS_APART:
            last.lines.append(text)
            last.is_warning = last.is_warning or is_warning
        else:
            line.marks.append(Mark(share, is_warning, [text]))
