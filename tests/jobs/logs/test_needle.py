"""A keyword is found in just the lines that hold it, however it is looked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs import needle
from jobs.logs.needle import Needle
from tests.jobs.logs.model import RELAXED, split_lines

DATA = st.lists(st.sampled_from([b"a", b"b", b"A", b"ab", b"\n", b"x", b"\x01", b"\xff"]), max_size=40).map(b"".join)
KEYS = st.sampled_from([b"a", b"ab", b"ba", b"Ab", b"xab", b"\x01"])


def expected(data: bytes, keyword: bytes, *, ignore_case: bool) -> list[bytes]:
    lines = split_lines(data)
    if ignore_case:
        return [line for line in lines if keyword.lower() in line.lower()]
    return [line for line in lines if keyword in line]


@pytest.mark.parametrize(("seldom", "many"), [(0, 10**9), (10**9, 10**9), (0, 1), (10**9, 1)])
class TestFinding:
    @RELAXED
    @given(data=DATA, keyword=KEYS, ignore_case=st.booleans(), false_max=st.integers(1, 3))
    def test_lines_and_their_number_are_those_of_the_model(
        self, seldom: int, many: int, data: bytes, keyword: bytes, ignore_case: bool, false_max: int
    ) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(needle, "SELDOM", seldom)
            patched.setattr(needle, "MANY", many)
            patched.setattr(needle, "FALSE_MAX", false_max)
            sought = Needle(keyword, ignore_case=ignore_case)
            whole = b"ab\n" + data + b"ab"
            given = sought.prepared(whole)
            start, stop = 3, 3 + len(data)
            found = [whole[line.start : line.end] for line in sought.lines(given, start, stop)]
            assert found == expected(data, keyword, ignore_case=ignore_case)
            assert sought.count(given, start, stop) == len(found)


def test_a_log_that_uses_every_byte_is_counted_too() -> None:
    data = (bytes(set(range(256)) - {10}) + b"key\n") * 200
    assert Needle(b"key").count(data, 0, len(data)) == 200
