"""The messages of a log's WebSocket. Pure: used by the server and by tests, described for clients in docs/streams.md.

Each message is a text frame with one JSON object that names its `operation`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import ClassVar

import orjson

from jobs.logs.gaps import facts
from jobs.logs.tail import Chunk

FRAME_BYTES = 64 << 10  # of log in one message; with times in front of short lines it is longer, but never over 1 MiB
WINDOW_BYTES = 1 << 20  # how far the server runs ahead of a client that acknowledges


class CloseCode(IntEnum):
    """1000 and 1011 as RFC 6455's registry has them; 44xx after the HTTP status that means the same."""

    END = 1000
    FAILED = 1011
    BAD_REQUEST = 4400
    NOT_AUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404


class BadMessage(Exception):
    """The client sent what is no message of this protocol."""


@dataclass(frozen=True, slots=True)
class Log:
    """A part of the log that is whole characters, not whole lines, and the cursor after it."""

    operation: ClassVar[str] = "log"
    data: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines are, or may be, missing here: why (jobs.logs.gaps.Reason), in words, when, and the cursor after it. In the
    text it stands at the beginning of a line."""

    operation: ClassVar[str] = "gap"
    reason: str
    message: str
    time: str | None
    cursor: int


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more will come. `status` is the job's."""

    operation: ClassVar[str] = "end"
    status: str


@dataclass(frozen=True, slots=True)
class Error:
    """Why the connection is about to be closed: a code of the API's errors, a sentence for people, and what is wrong
    with which parameter."""

    operation: ClassVar[str] = "error"
    code: str
    message: str
    details: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ack:
    """From the client: everything before the cursor was dealt with. Once it has sent one, the server stays within
    WINDOW_BYTES of the last."""

    operation: ClassVar[str] = "ack"
    cursor: int


ServerMessage = Log | Gap | End | Error


def dump(message: ServerMessage) -> str:
    return orjson.dumps({"operation": message.operation, **asdict(message)}).decode()


def frame(chunk: Chunk) -> str:
    """dump() of a Log or a Gap, in fewer steps: this is what there are many of."""
    if chunk.gap is not None:
        return orjson.dumps({"operation": Gap.operation, **facts(chunk.gap), "cursor": chunk.cursor}).decode()
    return orjson.dumps({"operation": Log.operation, "data": chunk.data.decode(), "cursor": chunk.cursor}).decode()


def parse(text: str) -> Ack:
    """Raises BadMessage."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("not JSON") from None
    cursor = message.get("cursor") if isinstance(message, dict) and message.get("operation") == Ack.operation else None
    if type(cursor) is not int or cursor < 0:
        raise BadMessage("not an acknowledgement")
    return Ack(cursor)
