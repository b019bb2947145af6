"""The forms of a merged log's batches: messages of its WebSocket, server-sent events, text. Pure; described for clients
in docs/streams.md. What is not here is as in a pod's log: jobs.logs.protocol."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from jobs.logs import gaps
from jobs.logs.merged.cursor import LONGEST, encode
from jobs.logs.merged.follow import Batch
from jobs.logs.merged.lines import Line, Style
from jobs.logs.protocol import BadMessage
from jobs.logs.text import moment


def text(batch: Batch, style: Style) -> bytes:
    return b"".join(map(style.text, batch.lines))


def event(batch: Batch, style: Style) -> bytes:
    """Of a batch that has lines: one server-sent event."""
    cursor = encode(batch.cursor).encode()
    if batch.gap is not None:
        return b"id: %b\nevent: gap\ndata: %b\n\n" % (cursor, orjson.dumps(gap_facts(batch.gap)))
    return b"id: %b\ndata: %b\n\n" % (cursor, text(batch, style)[:-1].replace(b"\n", b"\ndata: "))


def message(batch: Batch, cursor: str) -> str:
    """Of a batch that has lines, and whose cursor this is."""
    if batch.gap is not None:
        return orjson.dumps({"operation": "gap", **gap_facts(batch.gap), "cursor": cursor}).decode()
    return orjson.dumps({"operation": "log", "lines": [*map(line_facts, batch.lines)], "cursor": cursor}).decode()


def line_facts(line: Line) -> dict[str, Any]:
    return {
        "replica": line.replica,
        "attempt": line.attempt,
        "time": moment(line.time_ns),
        "text": line.data.decode(errors="replace"),
    }


def gap_facts(line: Line) -> Mapping[str, Any]:
    found = gaps.from_line(line.data, line.time_ns)
    return {"replica": line.replica, "attempt": line.attempt, **gaps.facts(found)}


def parse(message: str) -> str:
    """The cursor that a client acknowledges. Raises BadMessage."""
    try:
        read = json.loads(message)
    except (ValueError, RecursionError):
        raise BadMessage("not JSON") from None
    cursor = read.get("cursor") if isinstance(read, dict) and read.get("operation") == "ack" else None
    if not isinstance(cursor, str) or len(cursor) > LONGEST:
        raise BadMessage("not an acknowledgement")
    return cursor
