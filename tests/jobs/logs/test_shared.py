"""Followers of one pod share its open files and the chunks that several of them need, within bounds."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.logs import shared as shared_module
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.follow import follow
from jobs.logs.selection import Query
from jobs.logs.shared import Recent, open_logs
from jobs.logs.store import LogKey, LogNotFound, PodLog
from jobs.logs.tail import Chunk
from tests.jobs.logs.model import FIRST_NS, KEY, RELAXED, Written, logs, write

DEADLINE = 30.0
QUERIES = st.builds(
    Query,
    cursor=st.integers(0, 40),
    keyword=st.sampled_from([b"", b"a", b"ab"]),
    timestamps=st.booleans(),
    whole_lines=st.booleans(),
)


class CountedStore(FilesystemLogStore):
    """Counts how often a log is opened, and holds up an opening when told to."""

    opened = 0
    gate: threading.Event | None = None

    def open(self, key: LogKey) -> PodLog:  # type: ignore[override]
        self.opened += 1
        if self.gate is not None:
            self.gate.wait(DEADLINE)
        return super().open(key)


@pytest.fixture
def store(tmp_path: Path) -> CountedStore:
    return CountedStore(tmp_path / "logs")


async def runs_on() -> bool:
    return False


async def collect(chunks: AsyncIterator[Chunk]) -> bytes:
    async with asyncio.timeout(DEADLINE):
        return b"".join([chunk.data async for chunk in chunks])


@settings(RELAXED, max_examples=60)
@given(writes=logs(), queries=st.lists(QUERIES, min_size=2, max_size=6), read_bytes=st.integers(24, 40))
async def test_each_is_given_what_it_would_be_given_alone(
    tmp_path_factory: pytest.TempPathFactory, writes: list[Written], queries: list[Query], read_bytes: int
) -> None:
    store = FilesystemLogStore(tmp_path_factory.mktemp("logs"))
    write(store, writes)
    size = sum(len(written.data) for written in writes)
    queries = [replace(query, cursor=min(query.cursor or 0, size)) for query in queries]

    def follows() -> list[AsyncIterator[Chunk]]:
        return [follow(store, KEY, query, runs_on, read_bytes=read_bytes) for query in queries]

    alone = [await collect(one) for one in follows()]
    assert await asyncio.gather(*map(collect, follows())) == alone


async def test_one_opening_serves_them_all(store: CountedStore) -> None:
    write(store, [Written(b"one\n" * 100_000, FIRST_NS)])
    got = await asyncio.gather(*(collect(follow(store, KEY, Query(), runs_on)) for _ in range(20)))
    assert [len(one) for one in got] == [400_000] * 20
    assert store.opened == 1


async def test_they_are_given_the_very_same_bytes(store: CountedStore) -> None:
    write(store, [Written(b"one\n" * 1000, FIRST_NS)])
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(open_logs().open(store, KEY)) for _ in range(2)]
        assert first is second
        tails = [await first.tail(Query(timestamps=True), 4096) for _ in range(2)]
        for _ in range(4):
            chunks = [await first.step(tail, finished=False) for tail in tails]
            assert chunks[0] is not None
            assert chunks[0] is chunks[1]
            assert chunks[0].shaped(len_of) is chunks[1].shaped(len_of)


def len_of(chunk: Chunk) -> list[int]:
    return [len(chunk.data)]


async def test_nothing_is_kept_for_one_alone_nor_after_the_last(store: CountedStore) -> None:
    write(store, [Written(b"one\n" * 1000, FIRST_NS)])
    async with open_logs().open(store, KEY) as log:
        await log.step(await log.tail(Query(), 4096), finished=False)
        assert not kept()
        async with open_logs().open(store, KEY):
            await log.step(await log.tail(Query(), 4096), finished=False)
            assert kept()
    assert not kept()
    assert not open_logs()._logs


def kept() -> int:
    return len(open_logs()._recent._chunks)


@given(sizes=st.lists(st.integers(0, 3000), max_size=60))
def test_what_is_kept_is_bounded(sizes: list[int]) -> None:
    recent, most = Recent(), 20_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_module, "RECENT_BYTES", most)
        for number, size in enumerate(sizes):
            recent.put(1, (number, True, None), Chunk(b"x" * size, number), (number + 1, True, None))
            held = [chunk for chunk, _after in recent._chunks.values()]
            assert sum(2 * len(chunk.data) for chunk in held) <= most
    recent.clear()
    assert recent.get(1, (0, True, None)) is None


async def test_a_log_that_is_not_there_is_forgotten_at_once(store: CountedStore) -> None:
    with pytest.raises(LogNotFound):
        async with open_logs().open(store, KEY):
            pass
    assert not open_logs()._logs


async def test_who_leaves_while_a_log_is_being_opened_leaves_no_file_open(store: CountedStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS)])
    before, store.gate = open_files(), threading.Event()
    task = asyncio.create_task(collect(follow(store, KEY, Query(), runs_on)))
    async with asyncio.timeout(DEADLINE):
        while not store.opened:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.sleep(0)
        store.gate.set()
        await asyncio.wait([task])
        while open_files() > before:  # the watcher closes its descriptor in its own task
            await asyncio.sleep(0.001)
    assert task.cancelled()


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


async def test_a_slow_one_gets_everything_while_the_others_go_ahead(store: CountedStore) -> None:
    data = b"".join(b"line %d\n" % number for number in range(100_000))
    write(store, [Written(data, FIRST_NS)])
    slow = follow(store, KEY, Query(), runs_on, read_bytes=4096)
    first = await anext(slow)
    assert await collect(follow(store, KEY, Query(), runs_on, read_bytes=4096)) == data
    assert first.data + await collect(slow) == data


async def test_a_growing_log_is_shared_too(store: CountedStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS)], seal=False)
    follows = [asyncio.create_task(collect(follow(store, KEY, Query(), runs_on))) for _ in range(5)]
    with closing(store.writer(KEY)) as writer:
        for number in range(200):
            writer.append(b"more %d\n" % number, FIRST_NS + number)
            await asyncio.sleep(0)
        writer.seal(FIRST_NS + 1000)
    expected = b"one\n" + b"".join(b"more %d\n" % number for number in range(200))
    assert await asyncio.gather(*follows) == [expected] * 5
