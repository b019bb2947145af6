"""What is written is asciicast v2 as its format page has it, whatever bytes a terminal shows."""

import json
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.terminal.recording.asciicast import EVENT_BYTES, Encoder, Event, header, last_event_time


def shown(chunks: list[bytes]) -> str:
    encoder = Encoder()
    lines = b"".join(encoder.lines(Event(at, "o", bytearray(chunk))) for at, chunk in enumerate(chunks))
    return "".join(json.loads(line)[2] for line in lines.splitlines())


def test_the_header_has_the_window_the_time_and_the_pod() -> None:
    line = header(cols=101, rows=31, started_at=datetime(2026, 1, 2, tzinfo=UTC), title="job-1-0")
    assert line.endswith(b"}\n")
    assert json.loads(line) == {
        "version": 2, "width": 101, "height": 31, "timestamp": 1767312000, "title": "job-1-0",
        "env": {"TERM": "xterm-256color"},
    }  # fmt: skip


def test_an_event_is_one_line_of_time_kind_and_text() -> None:
    assert Encoder().lines(Event(1.2345678, "o", bytearray("a\r\n\x1b[1m中".encode()))) == (
        '[1.234568, "o", "a\\r\\n\\u001b[1m中"]\n'.encode()
    )
    assert Encoder().lines(Event(2.0, "r", bytearray(b"80x24"))) == b'[2.0, "r", "80x24"]\n'


@given(st.text(), st.data())
def test_characters_come_whole_wherever_the_bytes_were_cut(text: str, data: st.DataObject) -> None:
    whole = text.encode("utf-8", "replace")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    places = [0, *cuts, len(whole)]
    assert shown([whole[one:two] for one, two in pairwise(places)]) == whole.decode()


@given(st.lists(st.binary()))
def test_any_bytes_become_lines_that_are_whole_events(chunks: list[bytes]) -> None:
    encoder = Encoder()
    for chunk in chunks:
        lines = encoder.lines(Event(0.5, "o", bytearray(chunk)))
        assert lines == b"" or (lines.count(b"\n") == 1 and last_event_time(lines) == 0.5)


@given(st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=EVENT_BYTES))))
def test_events_that_are_joined_stay_small(chunks: list[tuple[float, bytes]]) -> None:
    event = Event(0.0, "o", bytearray())
    for at, chunk in chunks:
        if event.takes(at, "o", len(chunk)):
            event.data += chunk
    assert len(event.data) <= EVENT_BYTES
