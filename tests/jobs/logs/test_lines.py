"""Lines have numbers: how many there are before an offset, and where one begins."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.lines import nth
from tests.jobs.logs.model import KEY, RELAXED, Written, logs, write


@RELAXED
@given(logs())
def test_every_offset_has_its_line_and_every_line_its_offset(writes: list[Written]) -> None:
    data = b"".join(written.data for written in writes)
    starts = [0] + [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory))
        write(store, writes)
        with closing(store.open(KEY)) as log:
            assert [log.line_at(offset) for offset in range(len(data) + 1)] == [
                data.count(b"\n", 0, offset) for offset in range(len(data) + 1)
            ]
            assert [log.offset_of_line(number) for number in range(len(starts))] == starts
            assert log.offset_of_line(len(starts)) == len(data)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=40), st.data())
def test_a_newline_is_found_by_its_number(sizes: list[int], draw: st.DataObject) -> None:
    data = b"".join(b"x" * size + b"\n" for size in sizes) + b"rest"
    number = draw.draw(st.integers(1, len(sizes)))
    at = nth(data, number)
    assert data[at : at + 1] == b"\n"
    assert data.count(b"\n", 0, at) == number - 1
