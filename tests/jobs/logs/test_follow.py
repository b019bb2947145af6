"""A follower gets every byte exactly once, in order, whenever it comes and however often it comes back."""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from jobs.logs import follow as follow_module
from jobs.logs import notify
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.follow import follow
from jobs.logs.format import MARKER, OUTPUT
from jobs.logs.gaps import Gap, Reason
from jobs.logs.selection import Query
from jobs.logs.tail import Chunk
from tests.jobs.logs.model import FIRST_NS, KEY, Written, selected, write

DEADLINE = 30.0


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
    monkeypatch.setattr(follow_module, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(notify, "WATCHED_POLL_SECONDS", 0.01)


async def runs_on() -> bool:
    return False


async def is_over() -> bool:
    return True


async def collect(chunks: AsyncIterator[Chunk]) -> bytes:
    async with asyncio.timeout(DEADLINE):
        return b"".join([chunk.data async for chunk in chunks])


class Printer(threading.Thread):
    """Writes what it was given with random pauses, as a job would, and seals the log."""

    def __init__(self, store: FilesystemLogStore, writes: list[Written], seed: int) -> None:
        super().__init__()
        self.store = store
        self.writes = writes
        self.random = random.Random(seed)

    def run(self) -> None:
        with closing(self.store.writer(KEY)) as writer:
            for written in self.writes:
                time.sleep(self.random.choice([0, 0, 0.0005, 0.003]))
                writer.append(written.data, written.time_ns)
            writer.seal(FIRST_NS + 10**12)


def random_writes(seed: int, count: int = 150) -> list[Written]:
    chooser = random.Random(seed)
    words = [
        b"step 1 loss 0.5\n",
        b"half a ",
        "损失".encode(),
        "损".encode()[:1],
        "损".encode()[1:],
        b"\xff",
        b"\n",
        b"x" * 70_000,
    ]
    return [Written(chooser.choice(words) * chooser.randint(1, 3), FIRST_NS + step * 10**6) for step in range(count)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("woken_by")
async def test_a_follower_that_keeps_coming_back_misses_nothing_and_repeats_nothing(
    store: FilesystemLogStore, seed: int
) -> None:
    writes, chooser = random_writes(seed), random.Random(seed)
    printer = Printer(store, writes, seed)
    printer.start()
    got, cursor, done = b"", 0, False
    async with asyncio.timeout(DEADLINE):
        while not done:
            done, patience = True, chooser.randint(1, 20)
            async with aclosing(follow(store, KEY, Query(cursor=cursor), runs_on)) as chunks:
                async for chunk in chunks:
                    got, cursor, patience = got + chunk.data, chunk.cursor, patience - 1
                    if not patience:
                        done = False
                        break
    printer.join()
    assert got.decode() == selected(writes, Query()).decode(errors="replace")


@pytest.mark.parametrize(
    "query", [Query(timestamps=True), Query(keyword=b"step"), Query(keyword=b"half", timestamps=True)]
)
async def test_times_and_keywords_are_the_same_followed_as_read(store: FilesystemLogStore, query: Query) -> None:
    writes = [one for one in random_writes(7) if len(one.data) < 1000]
    printer = Printer(store, writes, 7)
    printer.start()
    got = await collect(follow(store, KEY, query, runs_on))
    printer.join()
    assert got.decode() == selected(writes, query).decode(errors="replace")


async def test_followers_of_one_pod_all_get_every_line(store: FilesystemLogStore) -> None:
    writes = random_writes(3)
    followers = [asyncio.create_task(collect(follow(store, KEY, Query(), runs_on))) for _ in range(20)]
    printer = Printer(store, writes, 3)
    printer.start()
    expected = selected(writes, Query()).decode(errors="replace").encode()
    assert [got == expected for got in await asyncio.gather(*followers)] == [True] * 20
    printer.join()


@pytest.mark.usefixtures("woken_by", "impatient")
async def test_it_waits_for_a_pod_that_has_not_started(store: FilesystemLogStore) -> None:
    asked = asyncio.Event()

    async def runs_on_and_tells() -> bool:
        asked.set()
        return False

    task = asyncio.create_task(collect(follow(store, KEY, Query(tail_lines=0), runs_on_and_tells)))
    async with asyncio.timeout(DEADLINE):
        await asked.wait()
    write(store, [Written(b"first\n", FIRST_NS)])
    assert await task == b"first\n"


async def test_it_begins_with_the_last_lines(store: FilesystemLogStore) -> None:
    write(store, [Written(b"one\ntwo\nthree\n", FIRST_NS)])
    assert await collect(follow(store, KEY, Query(tail_lines=2), runs_on)) == b"two\nthree\n"


async def test_it_begins_at_a_time(store: FilesystemLogStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS), Written(b"two\n", FIRST_NS + 1)])
    assert await collect(follow(store, KEY, Query(since_ns=FIRST_NS + 1), runs_on)) == b"two\n"


@pytest.mark.parametrize(("limit", "expected"), [(3, "one"), (5, "one\n"), (7, "one\n损"), (99, "one\n损\n")])
async def test_it_ends_at_the_limit_with_a_whole_character(
    store: FilesystemLogStore, limit: int, expected: str
) -> None:
    write(store, [Written("one\n损\n".encode(), FIRST_NS)])
    assert await collect(follow(store, KEY, Query(limit_bytes=limit), runs_on)) == expected.encode()


@pytest.mark.usefixtures("impatient")
class TestAPodThatIsOver:
    async def test_a_log_that_was_never_sealed_ends(self, store: FilesystemLogStore) -> None:
        write(store, [Written(b"killed in the middle of " + "损".encode()[:2], FIRST_NS)], seal=False)
        assert await collect(follow(store, KEY, Query(), is_over)) == "killed in the middle of \ufffd".encode()

    async def test_bytes_that_never_got_their_time_are_shown(self, store: FilesystemLogStore) -> None:
        write(store, [Written(b"timed\n", FIRST_NS)], seal=False)
        with (store.root / KEY.job_id / "1" / "0" / "main.log").open("ab") as file:
            file.write(b"late\n")
        got = await collect(follow(store, KEY, Query(timestamps=True), is_over))
        assert [line[31:] for line in got.decode().splitlines()] == ["timed", "late"]

    async def test_a_pod_that_never_wrote_ends(self, store: FilesystemLogStore) -> None:
        assert await collect(follow(store, KEY, Query(), is_over)) == b""

    async def test_an_unfinished_line_is_searched_at_the_end(self, store: FilesystemLogStore) -> None:
        write(store, [Written(b"no\nneedle", FIRST_NS)], seal=False)
        assert await collect(follow(store, KEY, Query(keyword=b"needle"), is_over)) == b"needle"


async def gathered(chunks: AsyncIterator[Chunk]) -> list[Chunk]:
    async with asyncio.timeout(DEADLINE):
        return [chunk async for chunk in chunks]


def marked(store: FilesystemLogStore, *pieces: tuple[bytes, int], seal: bool = True) -> None:
    with closing(store.writer(KEY)) as writer:
        for number, (data, flags) in enumerate(pieces):
            writer.append(data, FIRST_NS + number, flags)
        if seal:
            writer.seal(FIRST_NS + len(pieces))


class TestGaps:
    SAID = b"[platform] 12 bytes are missing here: the log could not be written.\n"

    async def test_a_line_of_the_platforms_own_is_a_chunk_that_says_so(self, store: FilesystemLogStore) -> None:
        marked(store, (b"one\nhalf", OUTPUT), (b"\n" + self.SAID, MARKER), (b"two\n", OUTPUT))
        found = await gathered(follow(store, KEY, Query(), runs_on))
        assert [chunk.data for chunk in found] == [b"one\nhalf\n", self.SAID, b"two\n"]
        assert [chunk.gap for chunk in found] == [
            None,
            Gap(Reason.MISSING, self.SAID[11:-1].decode(), FIRST_NS + 1),
            None,
        ]
        assert found[1].cursor == 9 + len(self.SAID)

    async def test_a_line_that_a_program_prints_like_one_is_none(self, store: FilesystemLogStore) -> None:
        marked(store, (self.SAID, OUTPUT), (b"[platform] x", OUTPUT), (b"\n" + self.SAID, MARKER))
        found = await gathered(follow(store, KEY, Query(), runs_on))
        assert [(chunk.data, chunk.gap is not None) for chunk in found] == [
            (self.SAID + b"[platform] x\n", False),
            (self.SAID, True),
        ]

    async def test_every_keyword_and_every_batch_lets_it_through(self, store: FilesystemLogStore) -> None:
        marked(store, (b"needle\nhay\n", OUTPUT), (self.SAID, MARKER), (b"needle 2\n", OUTPUT))
        found = await gathered(follow(store, KEY, Query(keyword=b"needle", timestamps=True, whole_lines=True), runs_on))
        assert [chunk.data[31:] for chunk in found] == [b"needle\n", self.SAID, b"needle 2\n"]
        assert all(chunk.data.startswith(b"2025-01-15T10:30:00.123456") for chunk in found)

    @pytest.mark.parametrize("read_bytes", range(23, 50))
    @pytest.mark.parametrize("query", [Query(), Query(whole_lines=True)])
    async def test_it_is_whole_wherever_a_read_ends(
        self, store: FilesystemLogStore, query: Query, read_bytes: int
    ) -> None:
        text = b"[platform] Lines may\n"
        marked(store, (b"one\ntwo three\n", OUTPUT), (text, MARKER), (b"[plat\n", OUTPUT), (b"\n" + text, MARKER))
        found = await gathered(follow(store, KEY, query, runs_on, read_bytes=read_bytes))
        assert b"".join(chunk.data for chunk in found) == b"one\ntwo three\n" + text + b"[plat\n\n" + text
        assert [chunk.gap.message for chunk in found if chunk.gap] == ["Lines may", "Lines may"]

    async def test_who_comes_back_after_it_is_not_told_again(self, store: FilesystemLogStore) -> None:
        marked(store, (b"one\n", OUTPUT), (self.SAID, MARKER), (b"two\n", OUTPUT))
        first = await gathered(follow(store, KEY, Query(), runs_on))
        again = await gathered(follow(store, KEY, Query(cursor=first[1].cursor), runs_on))
        assert again == first[2:]

    @pytest.mark.usefixtures("impatient")
    async def test_bytes_that_no_record_speaks_of_are_not_shown_while_more_may_come(
        self, store: FilesystemLogStore
    ) -> None:
        marked(store, (b"one\n", OUTPUT), seal=False)
        with (store.root / KEY.job_id / "1" / "0" / "main.log").open("ab") as file:
            file.write(b"not yet")
        quiet = 0
        async with aclosing(follow(store, KEY, Query(), runs_on)) as chunks:
            async for chunk in chunks:
                assert chunk.data in (b"one\n", b"")
                quiet += not chunk.data
                if quiet == 3:
                    break


class TestACursorPastTheEnd:
    async def test_the_end_of_a_log_that_was_lost_is_told(self, store: FilesystemLogStore) -> None:
        write(store, [Written(b"one\n", FIRST_NS)])
        [chunk] = await gathered(follow(store, KEY, Query(cursor=99), runs_on))
        assert chunk.gap
        assert (chunk.gap.reason, chunk.cursor) == (Reason.LOST, 4)
        assert (
            chunk.data == b"\n[platform] This log ends at 4, before the cursor 99: what was written between is lost.\n"
        )

    @pytest.mark.usefixtures("impatient")
    async def test_so_is_a_log_that_is_gone(self, store: FilesystemLogStore) -> None:
        found = await gathered(follow(store, KEY, Query(cursor=99), is_over))
        assert [chunk.gap.reason for chunk in found if chunk.gap] == [Reason.LOST]

    @pytest.mark.usefixtures("impatient")
    async def test_a_log_may_grow_to_it(self, store: FilesystemLogStore) -> None:
        write(store, [Written(b"on", FIRST_NS)], seal=False)
        got = b""
        async with aclosing(follow(store, KEY, Query(cursor=4), runs_on)) as chunks:
            async for chunk in chunks:
                if not chunk.data and not got:
                    write(store, [Written(b"e\ntwo\n", FIRST_NS)])
                got += chunk.data
        assert got == b"two\n"

    @pytest.mark.usefixtures("impatient")
    async def test_one_that_grows_on_from_before_it_is_not_waited_for_long(
        self, store: FilesystemLogStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(follow_module, "REGROWS_SECONDS", 0.02)
        write(store, [Written(b"one\n", FIRST_NS)], seal=False)
        reasons = []
        async with aclosing(follow(store, KEY, Query(cursor=99), runs_on)) as chunks:
            async for chunk in chunks:
                if chunk.gap:
                    reasons.append(chunk.gap.reason)
                    write(store, [Written(b"two\n", FIRST_NS)])
                elif chunk.data:
                    reasons.append(chunk.data)
        assert reasons == [Reason.LOST, b"two\n"]


class TestAReaderWhoWillNotBeFarBehind:
    async def test_what_is_further_from_the_end_is_skipped_and_told(self, store: FilesystemLogStore) -> None:
        lines = [b"line %06d\n" % number for number in range(20_000)]
        write(store, [Written(b"".join(lines), FIRST_NS)])
        gap, *found = await gathered(follow(store, KEY, Query(most_behind=65_536), runs_on))
        rest = b"".join(chunk.data for chunk in found)
        assert gap.gap
        assert gap.gap.reason is Reason.SKIPPED
        assert gap.gap.message.startswith(f"{gap.cursor} bytes were skipped here")
        assert rest == b"".join(lines)[gap.cursor :]
        assert rest.startswith(b"line ")
        assert 32_768 - 12 <= len(rest) <= 32_768

    async def test_one_that_keeps_up_misses_nothing(self, store: FilesystemLogStore) -> None:
        writes = random_writes(5)
        printer = Printer(store, writes, 5)
        printer.start()
        got = await collect(follow(store, KEY, Query(most_behind=1 << 30), runs_on))
        printer.join()
        assert got.decode() == selected(writes, Query()).decode(errors="replace")


@pytest.mark.usefixtures("impatient")
async def test_a_follower_that_goes_away_leaves_no_open_file(store: FilesystemLogStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS)], seal=False)
    counts: list[int] = []
    for _ in range(3):
        asked = asyncio.Event()

        async def runs_on_and_tells(asked: asyncio.Event = asked) -> bool:
            asked.set()
            return False

        task = asyncio.create_task(collect(follow(store, KEY, Query(), runs_on_and_tells)))
        async with asyncio.timeout(DEADLINE):
            await asked.wait()
            counts.append(open_files())
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            while open_files() >= counts[-1]:  # the watcher closes its descriptor in its own task
                await asyncio.sleep(0)
    assert counts == [counts[0]] * 3


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))
