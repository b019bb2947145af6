"""The cursor of a merged log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs.merged.cursor import BadCursor, JobCursor, decode, encode

OFFSETS = st.dictionaries(st.integers(0, 60), st.integers(0, (1 << 63) - 1), max_size=60)


@given(st.integers(0, 10**6), OFFSETS)
def test_what_was_encoded_is_decoded(attempt: int, offsets: dict[int, int]) -> None:
    read = {replica: offset for replica, offset in offsets.items() if offset}
    assert decode(encode(JobCursor(attempt, offsets))) == JobCursor(attempt, read)


def test_it_stays_short_enough_for_a_header() -> None:
    assert len(encode(JobCursor(9, dict.fromkeys(range(1000), 10 << 30)))) < 7000
    assert len(encode(JobCursor(1, dict.fromkeys(range(8), 1 << 20)))) < 40


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_any_other_word_is_refused_or_read(text: str) -> None:
    try:
        cursor = decode(text)
    except BadCursor:
        return
    assert decode(encode(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "AQ", "AQGA", "AgEA", "AQEA" * 5000, "!!!!", "损", "A", "AQH//////////////w"])
def test_what_it_never_makes_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        decode(text)
