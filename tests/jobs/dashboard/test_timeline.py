"""The timeline of a job."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from jobs.dashboard import timeline
from jobs.dashboard.spans import Scale
from jobs.dashboard.timeline_lines import Line
from jobs.events import platform_event
from jobs.models import Attempt, Event, Job, Pod
from tests.jobs.dashboard.conftest import Browse, MakeJob

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def job() -> Job:
    """Queued at 10 s, first attempt from 20 to 50 s and second from 60 s; it ended at 100 s."""
    return Job(
        public_id="job-x",
        status="Succeeded",
        created_at=at(0),
        queued_at=at(10),
        started_at=at(30),
        finished_at=at(100),
    )


@pytest.fixture
def attempts(job: Job) -> list[Attempt]:
    first = Attempt(pk=1, job=job, number=1, created_at=at(20), started_at=at(30), finished_at=at(50))
    first.end_reason = "NodeLost"
    second = Attempt(pk=2, job=job, number=2, created_at=at(60), started_at=at(60), finished_at=at(100))
    second.end_reason = "Completed"
    return [second, first]


def pod(attempt: Attempt, replica: int, phase: str = "Succeeded") -> Pod:
    name = f"job-x-{attempt.number}-{replica}"
    return Pod(
        job=attempt.job,
        attempt=attempt,
        replica=replica,
        name=name,
        phase=phase,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
    )


def build(job: Job, attempts: list[Attempt], pods: list[Pod], *events: Event, whole: bool = True) -> timeline.Timeline:
    return timeline.build(job, attempts, pods, events, at(500), whole=whole)


def spans(line: Line) -> list[tuple[str, str, str]]:
    return [(bar.text.split(" ")[0], bar.x, bar.width) for bar in line.bars]


def test_waits_and_runs_stand_where_they_were(job: Job, attempts: list[Attempt]) -> None:
    own, first, second = build(job, attempts, []).lines
    assert spans(own) == [
        ("Pending", "0.000%", "10.000%"),
        ("Queued", "10.000%", "10.000%"),
        ("Running", "30.000%", "20.000%"),
        ("Waiting", "50.000%", "10.000%"),
        ("Running", "60.000%", "40.000%"),
    ]
    assert spans(first) == [("Starting", "20.000%", "10.000%"), ("machine", "30.000%", "20.000%")]
    assert [bar.tone for bar in first.bars] == ["moving", "failed"]
    assert [bar.tone for bar in second.bars] == ["done"]


def test_pods_follow_their_attempt_in_order(job: Job, attempts: list[Attempt]) -> None:
    pods = [pod(attempts[0], 1), pod(attempts[0], 0), pod(attempts[1], 0)]
    lines = build(job, attempts, pods).lines
    assert [line.key for line in lines] == ["job", "attempt-1", "job-x-1-0", "attempt-2", "job-x-2-0", "job-x-2-1"]


def test_events_stand_on_what_they_are_about(job: Job, attempts: list[Attempt]) -> None:
    events = [
        platform_event(job_pk=0, reason="A", at=at(1)),
        platform_event(job_pk=0, reason="B", attempt=1, at=at(40), warning=True),
        platform_event(job_pk=0, reason="C", attempt=2, pod_name="job-x-2-0", at=at(70)),
        platform_event(job_pk=0, reason="D", attempt=2, pod_name="gone", at=at(80)),
    ]
    lines = build(job, attempts, [pod(attempts[0], 0)], *events).lines
    marked = {line.key: [(mark.x, mark.is_warning) for mark in line.marks] for line in lines if line.marks}
    assert marked == {
        "job": [("1.000%", False)],
        "attempt-1": [("40.000%", True)],
        "job-x-2-0": [("70.000%", False)],
        "attempt-2": [("80.000%", False)],
    }


def test_events_of_one_moment_are_one_mark_that_names_all(job: Job, attempts: list[Attempt]) -> None:
    events = [platform_event(job_pk=0, reason=f"R{n}", at=at(30 + n / 10), warning=n == 1) for n in range(3)]
    (mark,) = build(job, attempts, [], *events).lines[0].marks
    assert [line.split(":")[0] for line in mark.lines] == ["R0", "R1", "R2"]
    assert mark.is_warning


def test_many_pods_leave_room_for_the_newest_attempt(job: Job, attempts: list[Attempt]) -> None:
    pods = [pod(attempt, replica) for attempt in attempts for replica in range(40)]
    shown = build(job, attempts, pods, whole=False)
    assert len(shown.lines) == timeline.LINES_SHOWN
    assert [line.key for line in shown.lines[:3]] == ["job", "attempt-2", "job-x-2-0"]
    assert shown.left_out == 83 - timeline.LINES_SHOWN


def test_older_attempts_are_shown_whole_or_not_at_all(job: Job, attempts: list[Attempt]) -> None:
    pods = [pod(attempt, replica) for attempt in attempts for replica in range(5)]
    keys = [line.key for line in build(job, attempts, pods, whole=False).lines]
    assert keys == ["job", "attempt-2", *(f"job-x-2-{replica}" for replica in range(5))]


def test_a_long_wait_can_be_left_out(job: Job, attempts: list[Attempt]) -> None:
    assert not build(job, attempts, []).queue_hides_run
    job.created_at = at(-1000)
    early = platform_event(job_pk=0, reason="Early", at=at(-900))
    whole = build(job, attempts, [], early)
    assert whole.queue_hides_run
    assert whole.lines[0].marks
    cut = timeline.build(job, attempts, [], [early], at(500), run_only=True)
    assert [bar.x for bar in cut.lines[1].bars] == ["0.000%", "12.500%"]
    assert cut.lines[0].marks == []


MOMENTS = st.integers(-50, 1000).map(at) | st.none()


@given(moments=st.lists(MOMENTS, min_size=8, max_size=8), final=st.booleans(), run_only=st.booleans())
def test_nothing_is_ever_drawn_outside(moments: list[datetime | None], final: bool, run_only: bool) -> None:
    """Whatever clocks say: cluster and platform may disagree."""
    job = Job(status="Stopped" if final else "Running", created_at=START)
    job.queued_at, job.started_at, job.finished_at = moments[:3]
    attempt = Attempt(pk=1, job=job, number=1, created_at=moments[3] or START, started_at=moments[4])
    attempt.finished_at = moments[5]
    one = Pod(job=job, attempt=attempt, replica=0, name="p", started_at=moments[6], finished_at=moments[7])
    events = [platform_event(job_pk=0, reason="R", at=moment) for moment in moments if moment]
    drawn = timeline.build(job, [attempt], [one], events, at(600), run_only=run_only)
    for line in drawn.lines:
        for bar in line.bars:
            left, width = float(bar.x[:-1]), float(bar.width[:-1])
            assert left >= 0
            assert 0 < width <= 100
            assert left + width <= 100.01
        assert all(0 <= mark.share <= 100 for mark in line.marks)


@given(seconds=st.floats(0, 10**8))
def test_a_scale_has_few_ticks_from_its_start(seconds: float) -> None:
    ticks = Scale(START, at(seconds)).ticks()
    assert 1 <= len(ticks) <= 8
    assert (ticks[0].at, ticks[0].text) == ("0.000%", "0")


def test_the_page_shows_it_and_the_rest_on_request(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob, pods=30, status="Running")
    page = browse(bob).get(f"/jobs/{job.public_id}").content.decode()
    assert f'id="line-{job.public_id}-1-9"' in page
    assert f'id="line-{job.public_id}-1-29"' not in page
    assert "Show 20 more lines" in page
    assert "From the first attempt" not in page
    Job.objects.filter(pk=job.pk).update(created_at=job.created_at - timedelta(hours=1))
    assert (
        '<a href="?span=run">From the first attempt</a>' in browse(bob).get(f"/jobs/{job.public_id}").content.decode()
    )
    assert "With the wait" in browse(bob).get(f"/jobs/{job.public_id}?span=run").content.decode()
    assert f'id="line-{job.public_id}-1-29"' in browse(bob).get(f"/jobs/{job.public_id}?timeline=all").content.decode()
