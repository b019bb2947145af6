"""However a recording was cut short, what is read of it ends with a whole event, and no whole event is missing."""

import os
from collections.abc import Iterator

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from jobs.terminal.recording.asciicast import Encoder, Event, header
from jobs.terminal.recording.files import BLOCK, Whole, whole_part

HEADER = header(cols=80, rows=24, started_at=timezone.now(), title="pod")
events = st.lists(st.binary(min_size=1, max_size=200), max_size=8)
tails = st.one_of(
    st.just(b""), st.integers(1, 3 * BLOCK).map(bytes), st.binary(max_size=50).filter(lambda tail: b"\n" not in tail)
)


@pytest.fixture(scope="module")
def fd() -> Iterator[int]:
    fd = os.memfd_create("recording")
    yield fd
    os.close(fd)


def lines_of(chunks: list[bytes]) -> list[bytes]:
    encoder = Encoder()
    made = [encoder.lines(Event(float(at), "o", bytearray(chunk))) for at, chunk in enumerate(chunks, 1)]
    return [HEADER, *(line for line in made if line)]


def put(fd: int, text: bytes) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, text, 0)


@given(events, st.data())
def test_cut_anywhere_with_anything_behind(fd: int, chunks: list[bytes], data: st.DataObject) -> None:
    lines = lines_of(chunks)
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    put(fd, whole[:cut] + data.draw(tails))
    expected = 0
    for line in lines:
        if expected + len(line) > cut:
            break
        expected += len(line)
    assert whole_part(fd).size == expected


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, 3 * BLOCK])
def test_a_line_longer_than_a_block(fd: int, size: int) -> None:
    lines = lines_of([b"x" * size, b"y" * size])
    put(fd, b"".join(lines)[:-1])
    assert whole_part(fd) == Whole(len(lines[0]) + len(lines[1]), 1.0)


def test_lines_that_are_no_events_are_left_out_as_well(fd: int) -> None:
    put(fd, HEADER + b'[1.0, "o", "a"]\n' + b"\0" * 10 + b"\nnull\n[]\n[1,2,3]\n")
    assert whole_part(fd) == Whole(len(HEADER) + 16, 1.0)
