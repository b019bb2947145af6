"""One answer from several logs is what the slow and obvious way says."""

import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.merged import lines as lines_module
from jobs.logs.merged import merge, source
from jobs.logs.merged.lines import Line, Style
from jobs.logs.merged.page import JobPage, read_page
from jobs.logs.merged.spans import JobQuery
from jobs.logs.selection import Query
from tests.jobs.logs.merged.model import Logs, Shown, logs, ordered, part, write
from tests.jobs.logs.model import FIRST_NS, KEYWORDS, SINCE, Written

PLENTY = 1 << 20
PLAIN = Style()
RELAXED = settings(deadline=None, max_examples=50)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that lines go over the ends of blocks."""
    monkeypatch.setattr(source, "LEAST", 3)
    monkeypatch.setattr(source, "MOST", 7)


def read(written: Logs, query: JobQuery, max_bytes: int = PLENTY, *, seal: bool = True) -> JobPage:
    with tempfile.TemporaryDirectory() as root:
        store = FilesystemLogStore(Path(root))
        write(store, written, seal=seal)
        return read_page(store, [part(written)], query, max_bytes, PLAIN)


def shown(page: JobPage) -> list[Shown]:
    return [(line.time_ns, line.replica, line.start, line.data) for line in page.lines]


@RELAXED
@given(logs(), st.none() | st.integers(0, 12), SINCE | st.none(), SINCE | st.none(), KEYWORDS, st.booleans())
def test_it_selects_from_all_of_them_in_order(
    written: Logs, tail: int | None, since: int | None, until: int | None, keyword: bytes, seal: bool
) -> None:
    expected = [
        line
        for line in ordered(written, whole=not seal)
        if (since is None or line[0] >= since) and (until is None or line[0] < until) and keyword in line[3]
    ]
    expected = expected if tail is None else expected[len(expected) - tail if tail < len(expected) else 0 :]
    query = Query(tail_lines=tail, since_ns=since, until_ns=until, keyword=keyword)
    page = read(written, JobQuery(query), seal=seal)
    assert shown(page) == expected
    assert not page.truncated
    assert page.complete or not seal


@RELAXED
@given(logs(), st.none() | st.integers(0, 12), KEYWORDS, st.integers(1, 60))
def test_pages_from_cursor_to_cursor_are_the_whole(
    written: Logs, tail: int | None, keyword: bytes, max_bytes: int
) -> None:
    expected = [line for line in ordered(written) if keyword in line[3]]
    expected = expected if tail is None else expected[len(expected) - tail if tail < len(expected) else 0 :]
    with tempfile.TemporaryDirectory() as root:
        store = FilesystemLogStore(Path(root))
        write(store, written)
        query = JobQuery(Query(tail_lines=tail, keyword=keyword, limit_bytes=max_bytes))
        got: list[Shown] = []
        page = read_page(store, [part(written)], query, PLENTY, PLAIN)
        while page.lines:
            got += shown(page)
            assert len(page.lines) == 1 or sum(map(PLAIN.size, page.lines)) <= max_bytes
            query = JobQuery(Query(keyword=keyword, limit_bytes=max_bytes), cursor=page.cursor)
            page = read_page(store, [part(written)], query, PLENTY, PLAIN)
    assert got == expected
    assert page.complete


@RELAXED
@given(logs(), st.integers(1, 60), KEYWORDS)
def test_a_bound_keeps_the_last_lines(written: Logs, max_bytes: int, keyword: bytes) -> None:
    page = read(written, JobQuery(Query(keyword=keyword)), max_bytes)
    expected = [line for line in ordered(written) if keyword in line[3]]
    assert shown(page) == expected[len(expected) - len(page.lines) :]
    assert page.truncated == (len(page.lines) < len(expected))
    assert len(page.lines) <= 1 or sum(map(PLAIN.size, page.lines)) <= max_bytes


@RELAXED
@given(logs(), st.lists(st.integers(0, 8), min_size=1))
def test_what_is_written_between_two_pages_is_in_the_second(written: Logs, cuts: list[int]) -> None:
    """However far each replica had got at the first."""
    early = {replica: writes[: cuts[replica % len(cuts)]] for replica, writes in written.items()}
    late = {replica: writes[cuts[replica % len(cuts)] :] for replica, writes in written.items()}
    with tempfile.TemporaryDirectory() as root:
        store = FilesystemLogStore(Path(root))
        write(store, early, seal=False)
        first = read_page(store, [part(written)], JobQuery(), PLENTY, PLAIN)
        write(store, late)
        second = read_page(store, [part(written)], JobQuery(cursor=first.cursor), PLENTY, PLAIN)
    got: list[Line] = first.lines + second.lines
    assert sorted((line.replica, line.start, line.data) for line in got) == sorted(one[1:] for one in ordered(written))
    assert second.complete


def test_attempts_come_one_after_the_other(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    first = {0: [Written(b"late\n", FIRST_NS + 10**9)], 1: [Written(b"early\n", FIRST_NS)]}
    second = {0: [Written(b"again\n", FIRST_NS)], 1: []}
    write(store, first)
    write(store, second, attempt=2, seal=False)
    parts = [part(first, over=True), part(second, attempt=2)]
    page = read_page(store, parts, JobQuery(Query(limit_bytes=14)), PLENTY, PLAIN)
    assert [line.data for line in page.lines] == [b"early"]
    page = read_page(store, parts, JobQuery(cursor=page.cursor), PLENTY, PLAIN)
    assert [line.data for line in page.lines] == [b"late", b"again"]
    assert (page.cursor.attempt, page.complete) == (2, False)
    last = read_page(store, parts, JobQuery(Query(tail_lines=2)), PLENTY, PLAIN)
    assert [line.data for line in last.lines] == [b"late", b"again"]
    assert last.cursor == page.cursor


def test_an_attempt_that_still_writes_is_the_last_that_is_read(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    first, second = {0: [Written(b"one\n", FIRST_NS)]}, {0: [Written(b"two\n", FIRST_NS)]}
    write(store, first, seal=False)
    write(store, second, attempt=2)
    page = read_page(store, [part(first), part(second, attempt=2)], JobQuery(), PLENTY, PLAIN)
    assert [line.data for line in page.lines] == [b"one"]
    assert page.cursor.attempt == 1


def test_replicas_without_a_log_are_waited_for_as_long_as_they_may_come(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    write(store, {0: [Written(b"one\n", FIRST_NS)]})
    expected = {0: [], 1: []}
    assert read_page(store, [part(expected)], JobQuery(), PLENTY, PLAIN).complete is False
    assert read_page(store, [part(expected, over=True)], JobQuery(), PLENTY, PLAIN).complete is True


@pytest.mark.parametrize("query", [JobQuery(), JobQuery(Query(limit_bytes=PLENTY))])
def test_a_line_that_is_too_long_counts_as_several(
    tmp_path: Path, query: JobQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"x" * 200_000 + "损".encode() * 30_000 + b"\nend\n"
    page = read({0: [Written(data, FIRST_NS)]}, query)
    assert b"".join(line.data for line in page.lines) == data.replace(b"\n", b"")
    assert max(len(line.data) for line in page.lines) <= 2 * lines_module.LONGEST
    assert len(page.lines) > 3


def test_looking_for_a_keyword_ends_somewhere_and_goes_on_from_there() -> None:
    written = {0: [Written(b"needle one\n" + b"hay\n" * 1000 + b"needle two\n", FIRST_NS)]}
    with tempfile.TemporaryDirectory() as root, mock.patch.object(merge.Scan.__init__, "__defaults__", (500,)):
        store = FilesystemLogStore(Path(root))
        write(store, written)
        query = JobQuery(Query(keyword=b"needle", limit_bytes=PLENTY))
        page = read_page(store, [part(written)], query, PLENTY, PLAIN)
        assert ([line.data for line in page.lines], page.truncated) == ([b"needle one"], True)
        calls, found = 0, list(page.lines)
        while not page.complete:
            page = read_page(
                store, [part(written)], JobQuery(Query(keyword=b"needle"), cursor=page.cursor), PLENTY, PLAIN
            )
            calls, found = calls + 1, found + page.lines
        assert [line.data for line in found] == [b"needle one", b"needle two"]
        assert calls > 3
