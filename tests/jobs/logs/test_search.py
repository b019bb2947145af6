"""A search lists and counts just the lines that hold the keyword, however small the pieces are in which it is done."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.logs import blocks
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.matches import Match, Matches
from jobs.logs.needle import Line, Needle
from jobs.logs.search import Found, Place, Search, first_place, run
from jobs.logs.store import PodLog
from tests.jobs.logs.model import FIRST_NS, KEY, Written, lines_of, logs, write

KEYWORD = b"a"
SOME = settings(deadline=None, max_examples=60)
ORDERS = pytest.mark.parametrize("newest_first", [False, True])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 5)


@contextmanager
def opened(writes: list[Written], *, seal: bool = True) -> Iterator[PodLog]:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory))
        write(store, writes, seal=seal)
        with closing(store.open(KEY)) as log:
            yield log


def steps(log: PodLog, search: Search, place: Place, seconds: float = 0.0) -> Iterator[Found]:
    """To the end, a block of the log at a time."""
    while True:
        found = run(log, search, place, seconds)
        yield found
        if found.listed_all and found.counted_all:
            return
        assert found.place != place
        place = found.place


def spans(lines: list[Line]) -> list[tuple[int, int]]:
    return [(line.start, line.end) for line in lines]


def expected(writes: list[Written], start: int = 0) -> list[tuple[int, int]]:
    return [
        (line.start, line.start + len(line.data))
        for line in lines_of(writes)
        if KEYWORD in line.data and line.start >= start
    ]


@pytest.mark.usefixtures("small_blocks")
class TestAgainstTheModel:
    @ORDERS
    @SOME
    @given(logs(), st.integers(1, 4), st.sampled_from([0.0, 1000.0]))
    def test_every_match_is_listed_once_and_in_order(
        self, newest_first: bool, writes: list[Written], limit: int, seconds: float
    ) -> None:
        with opened(writes) as log:
            search = Search(Needle(KEYWORD), newest_first, limit)
            place = first_place(newest_first, 0, None, log.size())
            listed, last = [], None
            for last in steps(log, search, place, seconds):
                assert len(last.lines) <= limit
                listed += spans(last.lines)
        wanted = expected(writes)
        assert listed == (wanted[::-1] if newest_first else wanted)
        assert last is not None
        assert last.place.found == len(wanted)

    @ORDERS
    @SOME
    @given(logs(), st.integers(0, 2))
    def test_the_number_of_matches_is_right_before_all_are_listed(
        self, newest_first: bool, writes: list[Written], limit: int
    ) -> None:
        with opened(writes) as log:
            place = first_place(newest_first, 0, None, log.size())
            found = run(log, Search(Needle(KEYWORD), newest_first, limit), place, 1000.0)
        assert found.counted_all
        assert found.place.found == len(expected(writes))
        assert len(found.lines) == min(limit, len(expected(writes)))

    @SOME
    @given(logs(), logs())
    def test_the_oldest_first_goes_on_with_what_is_written_later(
        self, writes: list[Written], more: list[Written]
    ) -> None:
        search = Search(Needle(KEYWORD), False, 100)
        later = [*writes, *(Written(one.data, one.time_ns + 10**12) for one in more)]
        with opened(writes, seal=False) as log:
            first = run(log, search, first_place(False, 0, None, log.size()), 1000.0)
        with opened(later) as log:
            second = run(log, search, first.place, 1000.0)
        assert spans(first.lines) + spans(second.lines) == expected(later)
        assert second.place.found == len(expected(later))

    @SOME
    @given(logs(), logs())
    def test_the_newest_first_stays_with_the_log_as_it_was(self, writes: list[Written], more: list[Written]) -> None:
        search = Search(Needle(KEYWORD), True, 1)
        later = [*writes, *(Written(one.data, one.time_ns + 10**12) for one in more)]
        with opened(writes, seal=False) as log:
            place = first_place(True, 0, None, log.size())
            first = run(log, search, place, 0.0)
        with opened(later) as log:
            rest = [line for found in steps(log, search, first.place) for line in found.lines]
        assert spans(first.lines + rest) == expected(writes)[::-1]

    @ORDERS
    @SOME
    @given(logs(), st.integers(0, 60))
    def test_a_log_that_was_cut_back_ends_the_search(self, newest_first: bool, writes: list[Written], at: int) -> None:
        with opened(writes) as log:
            search = Search(Needle(KEYWORD), newest_first, 1)
            last = list(steps(log, search, Place(at, at, 0, 0 if newest_first else None)))[-1]
        assert last.listed_all


class TestMatches:
    @SOME
    @given(logs(), st.integers(0, 3), st.booleans())
    def test_each_line_is_shown_with_its_number_and_neighbours(
        self, writes: list[Written], context: int, backwards: bool
    ) -> None:
        lines = lines_of(writes)
        order = list(range(len(lines)))[:: -1 if backwards else 1]
        with opened(writes) as log:
            matches = Matches(log, context, 1000)
            for number in order:
                line = lines[number]
                match = matches.show(Line(line.start, line.start + len(line.data), line.start))
                assert (match.line, match.cursor) == (number + 1, line.start)
                assert match.text == words(line.data)
                assert match.before == [words(one.data) for one in lines[max(0, number - context) : number]]
                assert match.after == [words(one.data) for one in lines[number + 1 : number + 1 + context]]

    def test_of_a_long_line_the_part_with_the_keyword_is_shown(self) -> None:
        match = self.only(b"x" * 100_000 + b"needle" + b"y" * 100_000 + b"\n", b"needle")
        assert len(match.text) == 4096
        assert "xneedley" in match.text

    def test_neighbours_that_are_far_are_left_out(self) -> None:
        match = self.only(b"first\n" + b"x" * 500 + b"\nneedle\n" + b"y" * 500 + b"\nlast\n", b"needle", around=300)
        assert (match.before, match.after) == ([], [])

    def test_it_has_the_time_of_its_first_byte(self) -> None:
        assert self.only(b"needle\n", b"needle").time == "2025-01-15T10:30:00.123456789Z"

    def only(self, data: bytes, keyword: bytes, around: int = 1000) -> Match:
        with opened([Written(data, FIRST_NS)]) as log:
            found = run(log, Search(Needle(keyword), True, 10), first_place(True, 0, None, log.size()), 1000.0)
            (line,) = found.lines
            return Matches(log, 2, around).show(line)


def words(line: bytes) -> str:
    return line.removesuffix(b"\n").decode(errors="replace").removesuffix("\r")
