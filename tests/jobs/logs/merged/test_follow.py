"""A follower of several replicas gets every line exactly once, each replica's in order, however often it comes back."""

import asyncio
import random
import threading
import time
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from jobs.logs import follow as follow_one
from jobs.logs import notify
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.merged import follow as follow_module
from jobs.logs.merged.cursor import decode, encode
from jobs.logs.merged.follow import follow
from jobs.logs.merged.lines import Line
from jobs.logs.merged.spans import JobQuery, Part
from jobs.logs.selection import Query
from tests.jobs.logs.merged.model import key, part, write
from tests.jobs.logs.model import FIRST_NS, Written

DEADLINE = 30.0
EVERYTHING = JobQuery()


@pytest.fixture(params=["inotify", "polling"])
def woken_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "polling":
        monkeypatch.setattr(notify, "load_library", lambda: None)
    return str(request.param)


@pytest.fixture
def store(tmp_path: Path) -> FilesystemLogStore:
    return FilesystemLogStore(tmp_path / "logs")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_one, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(notify, "WATCHED_POLL_SECONDS", 0.01)


async def runs_on() -> bool:
    return False


async def is_over() -> bool:
    return True


async def collect(store: FilesystemLogStore, wanted: Part, query: JobQuery = EVERYTHING) -> list[Line]:
    lines: list[Line] = []
    async with asyncio.timeout(DEADLINE), aclosing(follow(store, wanted, query, runs_on)) as batches:
        async for batch in batches:
            lines += batch.lines
    return lines


class Printer(threading.Thread):
    """A replica that prints numbered lines in pieces with random pauses, at the time it is, and ends."""

    def __init__(self, store: FilesystemLogStore, replica: int, seed: int, count: int = 120) -> None:
        super().__init__()
        self.store = store
        self.replica = replica
        self.random = random.Random(f"{seed} {replica}")
        self.lines = [
            b"replica %d line %d %b" % (replica, line, b"x" * self.random.choice([0, 5, 900])) for line in range(count)
        ]

    def run(self) -> None:
        text = b"\n".join(self.lines)
        with closing(self.store.writer(key(self.replica))) as writer:
            while text:
                time.sleep(self.random.choice([0, 0, 0.0005, 0.004]))
                size = self.random.choice([1, 30, 400, 3000])
                writer.append(text[:size], time.time_ns())
                text = text[size:]
            writer.seal(time.time_ns())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("woken_by")
async def test_a_follower_that_keeps_coming_back_misses_nothing_and_repeats_nothing(
    store: FilesystemLogStore, seed: int
) -> None:
    printers, chooser = [Printer(store, replica, seed) for replica in range(4)], random.Random(seed)
    for printer in printers:
        printer.start()
    wanted = Part([key(printer.replica) for printer in printers], over=False)
    lines: list[Line] = []
    query, done = JobQuery(), False
    async with asyncio.timeout(DEADLINE):
        while not done:
            done, patience = True, chooser.randint(1, 6)
            async with aclosing(follow(store, wanted, query, runs_on)) as batches:
                async for batch in batches:
                    lines += batch.lines
                    query, patience = JobQuery(cursor=decode(encode(batch.cursor))), patience - 1
                    if not patience:
                        done = False
                        break
    for printer in printers:
        printer.join()
        assert [line.data for line in lines if line.replica == printer.replica] == printer.lines
    assert lines == sorted(lines)


async def test_what_is_there_comes_in_the_order_of_time(store: FilesystemLogStore) -> None:
    def line(step: int, replica: int) -> Written:
        return Written(b"%d %d\n" % (step, replica), FIRST_NS + step * 5 + replica)

    logs = {replica: [line(step, replica) for step in range(200)] for replica in range(3)}
    write(store, logs)
    lines = await collect(store, part(logs))
    assert [line.data for line in lines] == [b"%d %d" % (step, replica) for step in range(200) for replica in range(3)]


async def test_a_silent_replica_is_not_waited_for(store: FilesystemLogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the clock of the one that prints is ahead."""
    monkeypatch.setattr(follow_module, "WINDOW_SECONDS", 0.01)
    write(store, {0: []}, seal=False)
    write(store, {1: [Written(b"old\n", FIRST_NS), Written(b"ahead\n", time.time_ns() + 3600 * 10**9)]}, seal=False)
    async with asyncio.timeout(DEADLINE), aclosing(follow(store, part({0: [], 1: []}), JobQuery(), runs_on)) as batches:
        got: list[bytes] = []
        async for batch in batches:
            got += [line.data for line in batch.lines]
            if len(got) == 2:
                break
    assert got == [b"old", b"ahead"]


@pytest.mark.usefixtures("woken_by", "impatient")
async def test_it_waits_for_replicas_that_have_not_started(store: FilesystemLogStore) -> None:
    task = asyncio.create_task(collect(store, part({0: [], 1: []}), JobQuery(Query(tail_lines=0))))
    write(store, {1: [Written(b"one\n", FIRST_NS)]})
    await asyncio.sleep(0)
    write(store, {0: [Written(b"nought\n", FIRST_NS)]})
    lines = await task
    assert {line.data for line in lines} <= {b"one", b"nought"}
    assert all(line.replica == int(line.data == b"one") for line in lines)


@pytest.mark.usefixtures("impatient")
async def test_it_ends_when_the_attempt_is_over_though_no_log_says_so(store: FilesystemLogStore) -> None:
    logs = {0: [Written(b"one\nhalf", FIRST_NS)], 1: []}
    write(store, logs, seal=False)
    lines: list[Line] = []
    async with asyncio.timeout(DEADLINE):
        async for batch in follow(store, part({**logs, 2: []}), JobQuery(), is_over):
            lines += batch.lines
    assert [line.data for line in lines] == [b"one", b"half"]


async def test_it_begins_with_the_last_lines_of_all_together(store: FilesystemLogStore) -> None:
    logs = {0: [Written(b"a\n", FIRST_NS), Written(b"d\n", FIRST_NS + 3)], 1: [Written(b"b\nc\n", FIRST_NS + 2)]}
    write(store, logs)
    lines = await collect(store, part(logs), JobQuery(Query(tail_lines=2)))
    assert [line.data for line in lines] == [b"c", b"d"]


async def test_a_keyword_is_looked_for_in_every_replica(store: FilesystemLogStore) -> None:
    logs = {0: [Written(b"hay\n" * 10_000 + b"needle 0\n", FIRST_NS)], 1: [Written(b"needle 1\n", FIRST_NS + 1)]}
    write(store, logs)
    lines = await collect(store, part(logs), JobQuery(Query(keyword=b"needle")))
    assert [line.data for line in lines] == [b"needle 0", b"needle 1"]


async def test_each_state_of_a_progress_bar_is_a_line(store: FilesystemLogStore) -> None:
    logs = {0: [Written(b"\r 10%\r 20%", FIRST_NS), Written(b"\r 30%\r\ndone\n\nend", FIRST_NS)]}
    write(store, logs)
    assert [line.data for line in await collect(store, part(logs))] == [b" 10%", b" 20%", b" 30%", b"done", b"", b"end"]


@pytest.mark.usefixtures("impatient")
async def test_while_nothing_comes_the_caller_is_asked(store: FilesystemLogStore) -> None:
    write(store, {0: [Written(b"one\n", FIRST_NS)]}, seal=False)
    async with asyncio.timeout(DEADLINE), aclosing(follow(store, part({0: []}), JobQuery(), runs_on)) as batches:
        sizes = [len((await anext(batches)).lines) for _ in range(3)]
    assert sizes == [1, 0, 0]


async def test_many_replicas_take_few_file_descriptors(store: FilesystemLogStore) -> None:
    logs = {replica: [Written(b"%d\n" % replica, FIRST_NS + replica)] for replica in range(300)}
    write(store, logs)
    before, most = open_files(), 0
    async with asyncio.timeout(DEADLINE):
        async for _batch in follow(store, part(logs), JobQuery(), runs_on):
            most = max(most, open_files())
    assert most - before < 100
    assert open_files() <= before + 2  # one for inotify


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
