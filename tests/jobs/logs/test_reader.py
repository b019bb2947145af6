"""The reader answers what the obvious way would, and reads little where the answer is small."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs import blocks, reader, selection
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.reader import Page, read_page
from jobs.logs.segmented import SegmentedLog
from jobs.logs.selection import Query
from tests.jobs.logs.model import (
    FIRST_NS,
    KEY,
    KEYWORDS,
    OFFSETS,
    RELAXED,
    SINCE,
    Written,
    lines_of,
    logs,
    selected,
    write,
)

UNBOUNDED = 1 << 20


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that every answer crosses several."""
    monkeypatch.setattr(selection, "BLOCK", 5)
    monkeypatch.setattr(reader, "BLOCK", 5)
    monkeypatch.setattr(blocks, "BLOCK", 5)


@pytest.fixture
def store(tmp_path: Path) -> FilesystemLogStore:
    return FilesystemLogStore(tmp_path)


def read(writes: list[Written], query: Query, max_bytes: int = UNBOUNDED, *, seal: bool = True) -> Page:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory))
        write(store, writes, seal=seal)
        with closing(store.open(KEY)) as log:
            return read_page(log, query, max_bytes)


def text(data: bytes) -> str:
    return data.decode(errors="replace")


def one(data: bytes) -> list[Written]:
    return [Written(data, FIRST_NS)]


@pytest.mark.usefixtures("small_blocks")
class TestAgainstTheModel:
    @RELAXED
    @given(logs(), st.none() | st.integers(0, 9), st.none() | SINCE, st.none() | SINCE, KEYWORDS, st.booleans())
    def test_it_selects_the_lines_that_the_model_selects(
        self,
        writes: list[Written],
        tail: int | None,
        since: int | None,
        until: int | None,
        keyword: bytes,
        timestamps: bool,
    ) -> None:
        query = Query(tail_lines=tail, since_ns=since, until_ns=until, keyword=keyword, timestamps=timestamps)
        page = read(writes, query)
        assert page.text == text(selected(writes, query))
        assert not page.truncated
        assert page.complete

    @RELAXED
    @given(logs(), st.none() | st.integers(0, 9), KEYWORDS, st.booleans(), st.integers(1, 60))
    def test_a_bound_keeps_the_last_bytes_and_says_so(
        self, writes: list[Written], tail: int | None, keyword: bytes, timestamps: bool, bound: int
    ) -> None:
        query = Query(tail_lines=tail, keyword=keyword, timestamps=timestamps)
        page, whole = read(writes, query, bound), selected(writes, query)
        assert page.truncated == (len(whole) > bound)
        kept = whole[-bound:]
        if page.truncated:
            kept = kept[:3].lstrip(bytes(range(0x80, 0xC0))) + kept[3:]
        assert page.text == text(kept)

    @RELAXED
    @given(logs(), st.none() | st.integers(0, 9), st.none() | SINCE, KEYWORDS, st.booleans(), st.integers(0, 60))
    def test_a_limit_keeps_the_first_bytes(
        self, writes: list[Written], tail: int | None, since: int | None, keyword: bytes, timestamps: bool, limit: int
    ) -> None:
        query = Query(tail_lines=tail, since_ns=since, keyword=keyword, timestamps=timestamps, limit_bytes=limit)
        page, whole = read(writes, query), selected(writes, query)
        if limit >= len(whole):
            assert page.text == text(whole)
        else:
            assert text(whole[:limit]).startswith(page.text)
            assert len(text(whole[:limit])) - len(page.text) <= 1
        assert not page.truncated

    @RELAXED
    @given(logs(), OFFSETS, st.booleans(), st.integers(4, 40))
    def test_pages_from_a_cursor_put_together_are_the_whole(
        self, writes: list[Written], cursor: int, timestamps: bool, bound: int
    ) -> None:
        whole = selected(writes, Query(cursor=cursor, timestamps=timestamps))
        pieces, more = "", True
        while more:
            page = read(writes, Query(cursor=cursor, timestamps=timestamps), bound * 32 if timestamps else bound)
            assert page.cursor > cursor or not page.truncated
            pieces, cursor, more = pieces + page.text, page.cursor, page.truncated
        assert pieces == text(whole)

    @RELAXED
    @given(logs(), SINCE, st.booleans())
    def test_what_was_written_until_a_time_and_since_it_is_the_whole(
        self, writes: list[Written], time_ns: int, timestamps: bool
    ) -> None:
        until = read(writes, Query(until_ns=time_ns, timestamps=timestamps))
        since = read(writes, Query(since_ns=time_ns, timestamps=timestamps))
        rest = read(writes, Query(cursor=until.cursor, timestamps=timestamps))
        assert until.text + since.text == text(selected(writes, Query(timestamps=timestamps)))
        assert rest.text == since.text

    @RELAXED
    @given(logs(), OFFSETS, SINCE, st.integers(4, 40))
    def test_pages_until_a_time_end_there(self, writes: list[Written], cursor: int, until: int, bound: int) -> None:
        whole = selected(writes, Query(cursor=cursor, until_ns=until))
        page, pieces = read(writes, Query(cursor=cursor, until_ns=until), bound), ""
        while not page.complete:
            assert page.cursor > cursor or not page.truncated
            pieces, cursor = pieces + page.text, page.cursor
            page = read(writes, Query(cursor=cursor, until_ns=until), bound)
        assert pieces + page.text == text(whole)

    @RELAXED
    @given(logs(), st.integers(0, 9))
    def test_the_cursor_goes_on_exactly_where_the_page_ended(self, writes: list[Written], tail: int) -> None:
        page = read(writes, Query(tail_lines=tail), seal=False)
        more = [*writes, Written("失\nmore".encode(), FIRST_NS + 10**12)]
        rest = read(more, Query(cursor=page.cursor))
        assert page.text + rest.text == text(selected(writes, Query(tail_lines=tail)) + more[-1].data)


@pytest.mark.usefixtures("small_blocks")
class TestLineNumbers:
    @RELAXED
    @given(logs(), st.integers(1, 14), st.integers(0, 4), st.booleans())
    def test_a_line_comes_with_the_lines_around_it(
        self, writes: list[Written], line: int, around: int, timestamps: bool
    ) -> None:
        lines, first = lines_of(writes), max(0, line - 1 - around)
        page = read(writes, Query(line=line, around=around, timestamps=timestamps))
        wanted = lines[first : line + around]
        assert page.text == text(b"".join(one.shown(timestamps) for one in wanted))
        assert page.first_line == (first + 1 if wanted else None)
        assert page.complete == (first + len(wanted) >= len(lines))
        rest = read(writes, Query(cursor=page.cursor))
        assert rest.text == text(b"".join(one.data for one in lines[max(first, line + around) :]))

    @RELAXED
    @given(logs(), st.none() | st.integers(0, 9), st.none() | st.integers(0, 60), st.integers(5, 200))
    def test_an_answer_says_which_line_it_begins_with(
        self, writes: list[Written], tail: int | None, cursor: int | None, bound: int
    ) -> None:
        whole = b"".join(written.data for written in writes)
        page = read(writes, Query(tail_lines=tail, cursor=cursor, numbered=True), bound)
        if cursor is not None:
            begin = min(cursor, len(whole))
            assert page.first_line == (whole.count(b"\n", 0, begin) + 1 if begin < len(whole) else None)
        else:
            assert page.first_line == text(whole).count("\n") - page.text.count("\n") + 1


class TestALargeLog:
    def test_the_last_lines_are_read_without_the_rest(
        self, store: FilesystemLogStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(store, one(b"x" * 99 + b"\n") + [Written(b"y" * 99 + b"\n", FIRST_NS)] * 200_000)
        read_bytes = 0
        original = SegmentedLog.read

        def counted(log: SegmentedLog, offset: int, size: int) -> bytes:
            nonlocal read_bytes
            data = original(log, offset, size)
            read_bytes += len(data)
            return data

        monkeypatch.setattr(SegmentedLog, "read", counted)
        with closing(store.open(KEY)) as log:
            page = read_page(log, Query(tail_lines=3, timestamps=True), UNBOUNDED)
        assert page.text.count("\n") == 3
        assert page.total_bytes == 200_001 * 100
        assert read_bytes < 2_000_000

    def test_a_line_longer_than_a_block_is_found_whole(self, store: FilesystemLogStore) -> None:
        long = b"a" * (3 << 20) + b"needle" + b"b" * (2 << 20) + b"\n"
        write(store, one(b"first\n" + long + b"last\n"))
        with closing(store.open(KEY)) as log:
            page = read_page(log, Query(keyword=b"needle", tail_lines=1), 16 << 20)
        assert page.text.encode() == long


class TestWords:
    def test_times_are_shown_with_nine_digits(self) -> None:
        assert read(one(b"loss 1\n"), Query(timestamps=True)).text == "2025-01-15T10:30:00.123456789Z loss 1\n"

    def test_a_line_has_the_time_of_its_first_byte(self) -> None:
        writes = [Written(b"be", FIRST_NS), Written(b"gun\nnext", FIRST_NS + 1), Written(b"\n", FIRST_NS + 2)]
        assert read(writes, Query(timestamps=True)).text.splitlines() == [
            "2025-01-15T10:30:00.123456789Z begun",
            "2025-01-15T10:30:00.123456790Z next",
        ]

    def test_a_line_that_began_before_the_time_is_left_out(self) -> None:
        writes = [Written(b"old", FIRST_NS), Written(b" still old\nnew\n", FIRST_NS + 5)]
        assert read(writes, Query(since_ns=FIRST_NS + 5)).text == "new\n"

    def test_nothing_more_comes_of_what_was_asked_for_once_a_later_line_is_there(self) -> None:
        writes = [Written(b"old\n", FIRST_NS), Written(b"new\n", FIRST_NS + 5)]
        assert read(writes, Query(until_ns=FIRST_NS + 5), seal=False).complete
        assert not read(writes, Query(until_ns=FIRST_NS + 6), seal=False).complete

    def test_invalid_bytes_are_shown_as_replacement_characters(self) -> None:
        assert read(one(b"a\xff\xfeb\n"), Query()).text == "a\ufffd\ufffdb\n"

    def test_half_a_character_waits_for_its_other_half(self) -> None:
        page = read(one("损".encode()[:2]), Query(), seal=False)
        assert (page.text, page.cursor) == ("", 0)

    def test_half_a_character_at_the_end_of_a_complete_log_is_replaced(self) -> None:
        assert read(one("损".encode()[:2]), Query()).text == "\ufffd"
