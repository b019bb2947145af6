"""Log chunks as server-sent events (the HTML standard, "Server-sent events"). Pure.

A batch is one event: its id is the cursor after it, and each line is a `data:` field. A carriage return ends a line
here, since the format knows no other meaning for one. A gap is an event of its own, with the cursor after it as well.
"""

import orjson

from jobs.logs.gaps import Gap, facts

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": still here\n\n"


def heartbeat(cursor: int) -> bytes:
    """A comment; the client goes on at the cursor when it comes back, though it is shown nothing."""
    return b"id: %d\n%b" % (cursor, HEARTBEAT)


def batch(data: bytes, cursor: int) -> bytes:
    """`data` is whole lines; a last one without its end counts as one."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = data.removesuffix(b"\n").replace(b"\n", b"\ndata: ")
    return b"id: %d\ndata: %b\n\n" % (cursor, lines)


def gap(found: Gap, cursor: int) -> bytes:
    return b"id: %d\nevent: gap\ndata: %b\n\n" % (cursor, orjson.dumps(facts(found)))


def named(event: str, text: str) -> bytes:
    """An event of another kind; the text is one line."""
    return f"event: {event}\ndata: {text}\n\n".encode()
