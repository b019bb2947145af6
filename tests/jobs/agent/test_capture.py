"""What the agent does with hints of pods: their logs come into the store, once and whole, and the registry is told."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime

import pytest
from django.conf import settings
from django.utils import timezone

from jobs import wakeups
from jobs.agent import capture as capturing
from jobs.agent import log_rows
from jobs.agent.capture import Capture, Pace
from jobs.agent.lanes import Lane, connected
from jobs.cluster.base import ExecSession, Hint, LogLines, LogPosition, PodPhase, PodRef, PodSnapshot
from jobs.cluster.errors import NotFound, Unavailable
from jobs.logs.captured import GAP
from jobs.logs.filesystem import configured_store
from jobs.logs.store import LogKey, LogNotFound
from jobs.models import Job, Pod, ResourcePool
from tests.jobs.agent.conftest import pod

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20.0
QUICK = Pace(spread=0.01, gather=0.0, look=0.05, again=0.01, again_most=0.05, unknown=0.02, busy=0.02)
FIRST_NS = 1_736_937_000_123_456_789


class Streams:
    """A cluster whose containers print what they are told to."""

    def __init__(self) -> None:
        self.printed: dict[str, list[bytes]] = {}  # by the pod's uid; b"" is the end
        self.missing: set[str] = set()
        self.broken: dict[str, Exception] = {}
        self.followers = 0
        self.most = 0
        self.more = asyncio.Event()

    def print(self, uid: str, *lines: bytes) -> None:
        self.printed.setdefault(uid, []).extend(lines)
        more, self.more = self.more, asyncio.Event()
        more.set()

    async def follow_logs(self, pod: PodRef, *, since: LogPosition | None) -> AsyncGenerator[LogLines, None]:
        self.followers += 1
        self.most = max(self.most, self.followers)
        try:
            at = 0 if since is None else since.time_ns - FIRST_NS + 1
            while True:
                if pod.uid in self.missing:
                    raise NotFound("no such pod")
                if pod.uid in self.broken:
                    raise self.broken.pop(pod.uid)
                more, lines = self.more, self.printed.get(pod.uid, [])
                if at == len(lines):
                    await more.wait()
                    continue
                if not lines[at]:
                    return
                yield LogLines(lines[at], ((0, FIRST_NS + at),))
                at += 1
        finally:
            self.followers -= 1

    def watch(self) -> AsyncIterator[Hint]:
        raise NotImplementedError

    def watched_at(self) -> datetime | None:
        return timezone.now()

    async def open_exec(
        self, pod: PodRef, *, command: Sequence[str], env: Mapping[str, str], cols: int, rows: int
    ) -> ExecSession:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "wake", lambda _pool: True)


@pytest.fixture
def lane() -> Iterator[Lane]:
    made = Lane("test")
    yield made
    made.close()


@asynccontextmanager
async def running_capture(
    pool: ResourcePool, streams: Streams, lane: Lane, pace: Pace = QUICK
) -> AsyncIterator[Capture]:
    capture = Capture(pool, streams, lane, pace=pace)
    task = asyncio.create_task(capture.run())
    try:
        yield capture
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not capture.tasks
        assert streams.followers == 0


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(connected, look):
            await asyncio.sleep(0.005)


async def database(statement: Callable[[], object]) -> object:
    return await asyncio.to_thread(connected, statement)


def text(job: Job, replica: int = 0) -> bytes:
    try:
        with closing(configured_store().open(LogKey(job.public_id, 1, replica))) as log:
            return log.read(0, 1 << 20)
    except LogNotFound:
        return b""


def is_complete(job: Job, replica: int = 0) -> bool:
    with closing(configured_store().open(LogKey(job.public_id, 1, replica))) as log:
        return log.is_complete()


def is_marked(job: Job, replica: int = 0) -> bool:
    return Pod.objects.filter(job=job, replica=replica, log_stored_at__isnull=False).exists()


def is_due(job: Job) -> bool:
    return Job.objects.filter(pk=job.pk, hints__gt=0).exists()


def make_due(job: Job, **fields: object) -> None:
    Job.objects.filter(pk=job.pk).update(next_check_at=timezone.now(), **fields)


def shown(marker: str) -> bytes:
    return f"[platform] {marker}\n".encode()


async def test_a_running_pod_s_lines_are_there_as_they_come(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"one\n")
        await until(lambda: text(running) == b"one\n")
        streams.print("uid-0", b"two\n", b"three\n")
        await until(lambda: text(running) == b"one\ntwo\nthree\n")
        assert not is_complete(running)


async def test_a_log_that_ended_is_sealed_and_told(pool: ResourcePool, running: Job, lane: Lane) -> None:
    await database(lambda: make_due(running))
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"one\n", b"")
        await until(lambda: is_marked(running))
        assert is_complete(running)
        assert not await database(lambda: is_marked(running, replica=1))
        await until(lambda: is_due(running))


async def test_a_job_that_nobody_has_to_look_at_stays_so(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"")
        await until(lambda: is_marked(running))
        assert not await database(lambda: is_due(running))


@pytest.mark.parametrize("phase", [PodPhase.PENDING, PodPhase.UNKNOWN])
async def test_a_pod_that_has_not_begun_is_left_alone(
    pool: ResourcePool, running: Job, lane: Lane, phase: PodPhase
) -> None:
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=PodSnapshot(PodRef(running.public_id, 1, 0, "uid-0"), phase)))
        capture.see(Hint(running.public_id))
        capture.see(Hint(running.public_id, pod=pod(running, replica=1)))
        streams.print("uid-1", b"")
        await until(lambda: is_marked(running, replica=1))
        assert not await database(lambda: is_marked(running))


async def test_a_restart_goes_on_where_it_was(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    for number in range(5):
        async with running_capture(pool, streams, lane) as capture:
            capture.see(Hint(running.public_id, pod=pod(running)))
            streams.print("uid-0", b"line %d\n" % number)
            await until(lambda number=number: text(running).endswith(b"line %d\n" % number))  # type: ignore[misc]
    assert text(running) == b"".join(b"line %d\n" % number for number in range(5))


async def test_a_pod_that_went_before_its_log_was_read_leaves_a_gap(
    pool: ResourcePool, running: Job, lane: Lane
) -> None:
    streams = Streams()
    streams.missing.add("uid-0")
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running), gone=True))
        await until(lambda: is_marked(running))
    assert text(running) == shown(GAP)
    assert is_complete(running)


async def test_a_pod_that_went_while_it_was_read_leaves_a_gap(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"half")
        await until(lambda: text(running) == b"half")
        streams.missing.add("uid-0")
        streams.print("uid-0")
        await until(lambda: is_marked(running))
    assert text(running) == b"half\n" + shown(GAP)


async def test_a_pod_that_never_ran_and_went_has_an_empty_log(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    streams.missing.add("uid-0")
    ref = PodRef(running.public_id, 1, 0, "uid-0")
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=PodSnapshot(ref, PodPhase.PENDING), gone=True))
        await until(lambda: is_marked(running))
    assert text(running) == b""
    assert is_complete(running)


async def test_pods_that_ended_while_no_agent_ran_are_found(pool: ResourcePool, running: Job, lane: Lane) -> None:
    await database(lambda: make_due(running))
    streams = Streams()
    streams.missing |= {"uid-0", "uid-1"}
    await database(lambda: Pod.objects.filter(job=running, replica=0).update(phase="Failed", observed_at=None))
    async with running_capture(pool, streams, lane):
        await until(lambda: is_marked(running))
        assert not await database(lambda: is_marked(running, replica=1))
        await database(lambda: running.attempts.update(finished_at=timezone.now()))
        await until(lambda: is_marked(running, replica=1))
    assert text(running) == shown(GAP)


async def test_a_capture_that_fails_is_tried_again_and_stops_no_other(
    pool: ResourcePool, running: Job, lane: Lane
) -> None:
    streams = Streams()
    streams.broken = {"uid-0": ZeroDivisionError("a fault")}
    async with running_capture(pool, streams, lane) as capture:
        for replica in range(2):
            streams.print(f"uid-{replica}", b"one\n")
            capture.see(Hint(running.public_id, pod=pod(running, replica)))
        await until(lambda: text(running) == text(running, 1) == b"one\n")
        streams.broken = {"uid-0": Unavailable("away"), "uid-1": OSError("a full disk")}
        for replica in range(2):
            streams.print(f"uid-{replica}", b"two\n", b"")
        await until(lambda: is_marked(running) and is_marked(running, 1))
    assert text(running) == text(running, 1) == b"one\ntwo\n"


async def test_two_agents_never_write_one_log(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    async with running_capture(pool, streams, lane) as first:
        first.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"one\n")
        await until(lambda: text(running) == b"one\n")
        other = Streams()
        async with running_capture(pool, other, lane) as second:
            second.see(Hint(running.public_id, pod=pod(running)))
            await until(lambda: bool(second.tasks))
            for lines in (streams, other):
                lines.print("uid-0", *([b"one\n"] if lines is other else []), b"two\n", b"")
            await until(lambda: not second.tasks)
        assert other.most == 0
    assert text(running) == b"one\ntwo\n"


async def test_the_second_agent_takes_over_when_the_first_ends(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    first = Capture(pool, streams, lane, pace=QUICK)
    task = asyncio.create_task(first.run())
    first.see(Hint(running.public_id, pod=pod(running)))
    streams.print("uid-0", b"one\n")
    await until(lambda: text(running) == b"one\n")
    async with running_capture(pool, streams, lane) as second:
        second.see(Hint(running.public_id, pod=pod(running)))
        await until(lambda: bool(second.tasks))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        streams.print("uid-0", b"two\n", b"")
        await until(lambda: is_marked(running))
    assert text(running) == b"one\ntwo\n"


async def test_a_deleted_job_s_logs_are_fetched_no_more(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"one\n")
        await until(lambda: text(running) == b"one\n")
        await database(lambda: make_due(running, desired="delete", deleted_at=timezone.now()))
        await until(lambda: is_marked(running))
        capture.see(Hint(running.public_id, pod=pod(running, replica=1)))
        await until(lambda: is_marked(running, replica=1))
        assert streams.followers == 0
    with pytest.raises(LogNotFound):
        configured_store().open(LogKey(running.public_id, 1, 1))


async def test_nothing_stays_behind_of_a_job_that_is_gone(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"one\n")
        await until(lambda: text(running) == b"one\n")
        await database(lambda: Job.objects.filter(pk=running.pk).delete())
        streams.print("uid-0", b"two\n", b"")
        await until(lambda: not (settings.LOG_DIR / running.public_id).exists())
        capture.see(Hint(running.public_id, pod=pod(running, replica=1)))
        await until(lambda: not capture.seen)
        assert not capture.tasks
    assert not (settings.LOG_DIR / running.public_id).exists()


async def test_a_pod_that_the_registry_does_not_know_yet_is_told_of_later(
    pool: ResourcePool, running: Job, lane: Lane
) -> None:
    await database(lambda: Pod.objects.filter(job=running, replica=0).update(uid=""))
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"one\n", b"")
        await until(lambda: text(running) == b"one\n" and is_complete(running))
        assert not await database(lambda: is_marked(running))
        await database(lambda: Pod.objects.filter(job=running, replica=0).update(uid="uid-0"))
        await until(lambda: is_marked(running))


async def test_a_replica_s_second_pod_is_fetched_too(pool: ResourcePool, running: Job, lane: Lane) -> None:
    streams = Streams()
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"one\n", b"")
        await until(lambda: is_marked(running))
        await database(lambda: Pod.objects.filter(job=running, replica=0).update(uid="second"))
        capture.see(Hint(running.public_id, pod=pod(running, uid="second")))
        streams.print("second", b"two\n")
        await until(lambda: text(running).endswith(b"two\n"))
        assert not await database(lambda: is_marked(running))
        streams.print("second", b"")
        await until(lambda: is_marked(running))
    assert text(running).startswith(b"one\n[platform] ")


async def test_a_database_that_is_away_for_a_moment_loses_nothing(
    pool: ResourcePool, running: Job, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams, failures = Streams(), dict.fromkeys(("known", "mark_stored", "left_over"), 2)

    def failing(name: str) -> Callable[..., object]:
        real = getattr(log_rows, name)

        def call(*args: object) -> object:
            if failures[name]:
                failures[name] -= 1
                raise ZeroDivisionError("away")
            return real(*args)

        return call

    for name in failures:
        monkeypatch.setattr(log_rows, name, failing(name))
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        streams.print("uid-0", b"one\n", b"")
        await until(lambda: is_marked(running) and not any(failures.values()))


async def test_many_begin_some_at_a_time(pool: ResourcePool, running: Job, lane: Lane) -> None:
    asked: list[int] = []
    real = log_rows.known

    class Counting(Capture):
        def begin(self, refs: Mapping[PodRef, bool], known: Mapping[PodRef, log_rows.Known]) -> None:
            asked.append(len(refs))
            super().begin(refs, known)

    assert real is log_rows.known
    capture = Counting(pool, Streams(), lane, pace=Pace(together=10, spread=0.0))
    task = asyncio.create_task(capture.run())
    for number in range(95):
        capture.see(Hint(running.public_id, pod=pod(running, uid=f"u-{number}")))
    await until(lambda: not capture.seen)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert max(asked) == 10
    assert sum(asked) == 95


async def test_large_lots_are_written_whole_even_when_it_is_stopped(
    pool: ResourcePool, running: Job, lane: Lane
) -> None:
    streams = Streams()
    lot = b"x" * (capturing.LARGE * 4 - 1) + b"\n"
    async with running_capture(pool, streams, lane) as capture:
        capture.see(Hint(running.public_id, pod=pod(running)))
        await until(lambda: streams.followers == 1)
        streams.print("uid-0", *[lot] * 5)
        await until(lambda: len(text(running)) >= len(lot))
    found = len(text(running))
    assert found % len(lot) == 0
