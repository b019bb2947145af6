"""The messages of a log's WebSocket. Pure: used by the server and by tests, described for clients in docs/streams.md.

Each message is a text frame with one JSON object that names its `operation`.
"""

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import ClassVar

import orjson

FRAME_BYTES = 64 << 10  # of log in one message; escaped as JSON it is at most six times as long


class CloseCode(IntEnum):
    """1000 and 1012 as RFC 6455's registry has them; 44xx after the HTTP status that means the same."""

    END = 1000
    RESTARTING = 1012
    BAD_REQUEST = 4400
    NOT_AUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    FAILED = 4500


@dataclass(frozen=True, slots=True)
class Log:
    """A part of the log that is whole characters, not whole lines, and the cursor after it."""

    operation: ClassVar[str] = "log"
    data: str
    cursor: int


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more will come. `status` is the job's."""

    operation: ClassVar[str] = "end"
    status: str
    cursor: int


@dataclass(frozen=True, slots=True)
class Error:
    """Why the connection is about to be closed: a code of the API's errors, and a sentence for people."""

    operation: ClassVar[str] = "error"
    code: str
    message: str


ServerMessage = Log | End | Error


def dump(message: ServerMessage) -> str:
    return orjson.dumps({"operation": message.operation, **asdict(message)}).decode()


def dump_log(data: bytes, cursor: int) -> str:
    """dump(Log(...)) of bytes that are valid UTF-8, in fewer steps: this is what there are many of."""
    return orjson.dumps({"operation": Log.operation, "data": data.decode(), "cursor": cursor}).decode()
