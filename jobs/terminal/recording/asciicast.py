"""The lines of a recording: asciicast v2 (https://docs.asciinema.org/manual/asciicast/v2/). Pure: no Django, no files.

A header, then one JSON array a line: seconds since the start, a letter, a text. `o` is what was shown, `r` the window's
new size, `m` a marker: here, a place where something is missing. What is typed (`i`) is never recorded: passwords that
no program echoes stay out of it.
"""

import codecs
import json
from dataclasses import dataclass
from datetime import datetime

MEDIA_TYPE = "application/x-asciicast"
OUTPUT, RESIZED, MARKER = "o", "r", "m"
KINDS = {OUTPUT, RESIZED, MARKER}
EVENT_BYTES = 64 * 1024
TOGETHER_SECONDS = 0.01  # output within so long is one event: no eye tells it apart


@dataclass(slots=True)
class Event:
    at: float  # seconds since the start
    kind: str
    data: bytearray

    def takes(self, at: float, kind: str, size: int) -> bool:
        """Whether so much that comes then may as well be part of this."""
        is_output = self.kind == kind == OUTPUT
        return is_output and at - self.at < TOGETHER_SECONDS and len(self.data) + size <= EVENT_BYTES


def header(*, cols: int, rows: int, started_at: datetime, title: str) -> bytes:
    fields = {
        "version": 2,
        "width": cols,
        "height": rows,
        "timestamp": int(started_at.timestamp()),
        "title": title,
        "env": {"TERM": "xterm-256color"},
    }
    return line_of(fields)


class Encoder:
    """Events as lines, in their order. A character split between two of them goes whole into the second."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def lines(self, event: Event) -> bytes:
        """May be empty: the beginning of a character alone."""
        if event.kind != OUTPUT:
            return event_line(event.at, event.kind, event.data.decode())
        text = self.decoder.decode(bytes(event.data))
        return event_line(event.at, OUTPUT, text) if text else b""


def event_line(at: float, kind: str, text: str) -> bytes:
    return line_of([round(at, 6), kind, text])


def line_of(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")).encode() + b"\n"


def last_event_time(line: bytes) -> float | None:
    """None unless the line is a whole event, 0 for a header."""
    try:
        value = json.loads(line)
    except ValueError:  # cut off, or bytes that never reached the disk
        return None
    if isinstance(value, dict) and value.get("version") == 2:
        return 0.0
    return float(value[0]) if is_event(value) else None


def is_event(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], int | float) and value[1] in KINDS
