"""A job's life as lines over one time scale: the job's own phases, each attempt, each pod, with the events on them.

It is made of rows that were read for the page anyway, and asks for nothing itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs import wording
from jobs.dashboard import times
from jobs.dashboard.spans import Scale, Tick, percent
from jobs.models import Attempt, Event, Job, Pod
from jobs.states import EndReason

LINES_SHOWN = 12
LEAST_WIDTH = 0.35  # percent: what was short is still seen
MARKS_APART = 0.8  # percent: events closer than this are one mark
PENDING, QUEUED, STARTING = gettext_lazy("Pending"), gettext_lazy("Queued"), gettext_lazy("Starting")
RUNNING, BETWEEN = gettext_lazy("Running"), gettext_lazy("Waiting for the next attempt")
POD_TONES = {"Running": "moving", "Succeeded": "done", "Failed": "failed", "Unknown": "look"}
ATTEMPT_TONES = {"": "moving", EndReason.COMPLETED: "done", EndReason.STOPPED_BY_USER: "waiting"}


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    width: str
    tone: str
    is_soft: bool  # not at work yet
    text: str


@dataclass(slots=True)
class Mark:
    share: float
    is_warning: bool
    lines: list[str]

    @property
    def x(self) -> str:
        return percent(self.share)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(slots=True)
class Line:
    key: str
    label: str
    kind: str  # job, attempt or pod
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """For who does not see the bars."""
        return "; ".join([*(bar.text for bar in self.bars), *(mark.text for mark in self.marks)])


@dataclass(frozen=True, slots=True)
class Timeline:
    lines: list[Line]
    ticks: list[Tick]
    left_out: int  # lines


def build(
    job: Job, attempts: Sequence[Attempt], pods: Iterable[Pod], events: Iterable[Event], now: datetime, *, whole: bool
) -> Timeline:
    """Oldest attempt first. Not `whole`: the job and the newest lines, twelve in all."""
    scale = Scale(job.created_at, (job.finished_at if job.is_final else None) or now)
    attempts = sorted(attempts, key=lambda attempt: attempt.number)
    lines = [job_line(job, attempts, scale)]
    for attempt in attempts:
        lines.append(attempt_line(attempt, scale))
        mine = sorted((pod for pod in pods if pod.attempt_id == attempt.pk), key=lambda pod: pod.replica)
        lines += [pod_line(pod, attempt, scale) for pod in mine]
    place_events(lines, events, scale)
    left_out = 0 if whole else max(0, len(lines) - LINES_SHOWN)
    return Timeline([lines[0], *chosen(lines[1:], left_out)], scale.ticks(), left_out)


def chosen(lines: list[Line], left_out: int) -> list[Line]:
    """The newest attempt's first lines, with as many of the older ones as there is room for."""
    if not left_out:
        return lines
    newest = max(index for index, line in enumerate(lines) if line.kind == "attempt")
    start = min(newest, left_out)
    return lines[start : start + LINES_SHOWN - 1]


def job_line(job: Job, attempts: Sequence[Attempt], scale: Scale) -> Line:
    """Acceptance, the queue, the run, and over it the waits between attempts."""
    line = Line("job", _("Job"), "job")
    first = attempts[0].created_at if attempts else scale.end
    queued = min(job.queued_at or first, first)
    add(line, scale, (job.created_at, queued), PENDING, "waiting", is_soft=True)
    add(line, scale, (queued, first), QUEUED, "waiting", is_soft=True)
    if job.started_at:
        add(line, scale, (job.started_at, scale.end), RUNNING, job_tone(job), is_soft=False)
    for before, after in pairwise(attempts):
        if before.finished_at:
            add(line, scale, (before.finished_at, after.created_at), BETWEEN, "waiting", is_soft=True)
    return line


def job_tone(job: Job) -> str:
    return {"Succeeded": "done", "Failed": "failed", "Stopped": "waiting"}.get(job.status, "moving")


def attempt_line(attempt: Attempt, scale: Scale) -> Line:
    ended = str(wording.END_REASONS.get(attempt.end_reason, attempt.end_reason))
    label = _("Attempt %(number)d") % {"number": attempt.number}
    line = Line(f"attempt-{attempt.number}", f"{label} · {ended}" if ended else label, "attempt")
    end = attempt.finished_at or scale.end
    add(line, scale, (attempt.created_at, attempt.started_at or end), STARTING, "moving", is_soft=True)
    if attempt.started_at:
        tone = ATTEMPT_TONES.get(attempt.end_reason, "failed")
        add(line, scale, (attempt.started_at, end), ended or RUNNING, tone, is_soft=False)
    return line


def pod_line(pod: Pod, attempt: Attempt, scale: Scale) -> Line:
    line = Line(pod.name, _("Replica %(number)d") % {"number": pod.replica}, "pod")
    end = pod.finished_at or attempt.finished_at or scale.end
    waited = (attempt.launched_at or attempt.created_at, pod.started_at or end)
    add(line, scale, waited, STARTING, "moving", is_soft=True)
    if pod.started_at:
        code = "" if pod.exit_code is None else f" ({_('Exit code')} {pod.exit_code})"
        tone = POD_TONES.get(pod.phase, "look")
        add(line, scale, (pod.started_at, end), f"{_(pod.phase)}{code}", tone, is_soft=False)
    return line


def add(
    line: Line, scale: Scale, span: tuple[datetime, datetime], word: str | Promise, tone: str, *, is_soft: bool
) -> None:
    """Nothing for a span that takes no time or runs backwards, as of two clocks."""
    start, end = span
    if end <= start:
        return
    left, right = scale.share(start), scale.share(end)
    width = max(right - left, LEAST_WIDTH)
    text = f"{word} {times.duration((end - start).total_seconds())}, {times.exact(start)}"
    line.bars.append(Bar(percent(min(left, 100 - width)), percent(width), tone, is_soft, text))


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
