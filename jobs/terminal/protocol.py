"""The messages of a web terminal and the arithmetic of its flow control. Pure: no Django, no network.

Binary frames are the terminal's bytes, both ways; text frames are one JSON object with an `operation`. Used by the
server and by the tests, and described for clients in docs/terminal.md.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar

FRAME_BYTES = 64 * 1024
WINDOW_BYTES = 256 * 1024
PENDING_INPUT_BYTES = 1024 * 1024
MAX_SIDE = 1000
DEFAULT_COLS, DEFAULT_ROWS = 80, 24
SCROLLBACK_BYTES = 256 * 1024
NAMES_TOLD = 20
ERRORS_ALLOWED = 100


class Ending(StrEnum):
    """Why a terminal ended, or never began."""

    EXITED = "exited"
    CLIENT_LEFT = "client_left"  # the writer left for good, or vanished where nothing waits for it: nobody is told
    FAILED = "failed"
    RESTARTING = "restarting"
    PROTOCOL = "protocol"
    TICKET_INVALID = "ticket_invalid"
    NOT_ALLOWED = "not_allowed"
    WRONG_ORIGIN = "wrong_origin"
    POD_GONE = "pod_gone"
    IDLE = "idle"
    TOO_MANY = "too_many"
    POD_ENDED = "pod_ended"
    TIME_LIMIT = "time_limit"
    UNAVAILABLE = "unavailable"
    TAKEN_OVER = "taken_over"  # of a connection: the session goes on with the user's next one
    KILLED = "killed"
    DETACHED = "detached"
    ENDED = "ended"
    SESSION_GONE = "session_gone"
    NOT_WATCHABLE = "not_watchable"
    NOT_RECORDED = "not_recorded"

    @property
    def close_code(self) -> int:
        """1000, 1011 and 1012 as RFC 6455's registry has them; 44xx after the HTTP status that comes nearest."""
        return CLOSE_CODES[self]


CLOSE_CODES = {
    Ending.EXITED: 1000,
    Ending.CLIENT_LEFT: 1000,
    Ending.FAILED: 1011,
    Ending.RESTARTING: 1012,
    Ending.PROTOCOL: 4400,
    Ending.TICKET_INVALID: 4401,
    Ending.NOT_ALLOWED: 4403,
    Ending.WRONG_ORIGIN: 4403,
    Ending.POD_GONE: 4404,
    Ending.IDLE: 4408,
    Ending.TOO_MANY: 4409,
    Ending.POD_ENDED: 4410,
    Ending.TIME_LIMIT: 4411,
    Ending.UNAVAILABLE: 4503,
    Ending.TAKEN_OVER: 4412,
    Ending.KILLED: 4413,
    Ending.DETACHED: 4414,
    Ending.ENDED: 4415,
    Ending.SESSION_GONE: 4404,
    Ending.NOT_WATCHABLE: 4403,
    Ending.NOT_RECORDED: 4507,
}


class Mode(StrEnum):
    """What a connection may do with its session."""

    WRITE = "write"
    WATCH = "watch"


class Fault(StrEnum):
    """Why a client's frame was not taken. The terminal goes on."""

    BAD_MESSAGE = "BAD_MESSAGE"
    FRAME_TOO_LARGE = "FRAME_TOO_LARGE"
    INPUT_FULL = "INPUT_FULL"
    BAD_ACK = "BAD_ACK"
    READ_ONLY = "READ_ONLY"


class Refused(Exception):
    """A client's frame that is not taken; `why` is for people who write clients."""

    def __init__(self, fault: Fault, why: str) -> None:
        self.fault = fault
        self.why = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Stdin:
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    cols: int
    rows: int


@dataclass(frozen=True, slots=True)
class Ack:
    bytes: int


@dataclass(frozen=True, slots=True)
class Ping:
    pass


ClientMessage = Stdin | Resize | Ack | Ping

FIELDS: dict[str, frozenset[str]] = {
    "stdin": frozenset({"operation", "data"}),
    "resize": frozenset({"operation", "cols", "rows"}),
    "ack": frozenset({"operation", "bytes"}),
    "ping": frozenset({"operation"}),
}


def parse_binary(frame: bytes) -> Stdin:
    """Raises Refused when the frame is too large."""
    if len(frame) > FRAME_BYTES:
        raise Refused(Fault.FRAME_TOO_LARGE, f"a frame has {FRAME_BYTES} bytes at most")
    return Stdin(frame)


def parse_text(frame: str) -> ClientMessage:
    """Raises Refused, and nothing else, whatever the frame holds."""
    if len(frame) > FRAME_BYTES:
        raise Refused(Fault.FRAME_TOO_LARGE, f"a frame has {FRAME_BYTES} characters at most")
    message = json_object(frame)
    operation = message.get("operation")
    if not isinstance(operation, str) or operation not in FIELDS:
        raise Refused(Fault.BAD_MESSAGE, f"operation must be one of {', '.join(FIELDS)}")
    if message.keys() != FIELDS[operation]:
        raise Refused(Fault.BAD_MESSAGE, f"{operation} has exactly the fields {', '.join(sorted(FIELDS[operation]))}")
    match operation:
        case "stdin":
            return Stdin(encoded(message["data"]))
        case "resize":
            return Resize(
                cols=whole(message, "cols", minimum=1, maximum=MAX_SIDE),
                rows=whole(message, "rows", minimum=1, maximum=MAX_SIDE),
            )
        case "ack":
            return Ack(bytes=whole(message, "bytes", minimum=0, maximum=2**53))
        case _:
            return Ping()


def json_object(frame: str) -> dict[str, Any]:
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError) as exc:  # not JSON, a number of thousands of digits, brackets without end
        raise Refused(Fault.BAD_MESSAGE, "a text frame is one JSON object") from exc
    if not isinstance(message, dict):
        raise Refused(Fault.BAD_MESSAGE, "a text frame is one JSON object")
    return message


def whole(message: dict[str, Any], field: str, *, minimum: int, maximum: int) -> int:
    value = message[field]
    if type(value) is not int or not minimum <= value <= maximum:  # True and 80.0 are no whole numbers here
        raise Refused(Fault.BAD_MESSAGE, f"{field} must be a whole number from {minimum} to {maximum}")
    return value


def encoded(data: object) -> bytes:
    if not isinstance(data, str):
        raise Refused(Fault.BAD_MESSAGE, "data must be text")
    try:
        return data.encode()
    except UnicodeEncodeError as exc:  # half of a surrogate pair
        raise Refused(Fault.BAD_MESSAGE, "data must be text that UTF-8 can carry") from exc


@dataclass(frozen=True, slots=True)
class Ready:
    operation: ClassVar[str] = "ready"
    jobId: str
    podName: str
    cols: int
    rows: int
    idleSeconds: int
    totalSeconds: int
    owner: str
    sessionId: str
    mode: Mode
    resumed: bool
    position: int  # in the session's output, at the end of the scrollback that follows
    scrollbackBytes: int
    watchable: bool
    watchers: tuple[str, ...]
    recording: str
    detachSeconds: int
    leftSeconds: int
    windowBytes: int = WINDOW_BYTES
    frameBytes: int = FRAME_BYTES


@dataclass(frozen=True, slots=True)
class LimitWarning:
    operation: ClassVar[str] = "warning"
    reason: Ending
    seconds: int
    message: str


@dataclass(frozen=True, slots=True)
class Error:
    operation: ClassVar[str] = "error"
    code: Fault
    message: str


@dataclass(frozen=True, slots=True)
class Pong:
    operation: ClassVar[str] = "pong"


@dataclass(frozen=True, slots=True)
class Audience:
    operation: ClassVar[str] = "audience"
    watchable: bool
    watchers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Size:
    operation: ClassVar[str] = "size"
    cols: int
    rows: int


@dataclass(frozen=True, slots=True)
class Skipped:
    operation: ClassVar[str] = "skipped"
    bytes: int


@dataclass(frozen=True, slots=True)
class Exit:
    operation: ClassVar[str] = "exit"
    code: int | None
    reason: Ending
    message: str
    sessionOpen: bool = False


ServerMessage = Ready | LimitWarning | Audience | Size | Skipped | Error | Pong | Exit


def dump(message: ServerMessage) -> str:
    return json.dumps({"operation": message.operation, **asdict(message)}, ensure_ascii=False)


class Credit:
    """How much output the peer has been sent and has not acknowledged. The window counts from the first `ack` on: a
    client that never sends one is held back by its connection alone."""

    def __init__(self, window: int = WINDOW_BYTES) -> None:
        self.window = window
        self.outstanding = 0
        self.announced = False

    @property
    def is_spent(self) -> bool:
        return self.announced and self.outstanding >= self.window

    def sent(self, count: int) -> None:
        self.outstanding += count

    def acknowledge(self, count: int) -> None:
        """Raises Refused for more than was sent, and counts nothing then."""
        if count > self.outstanding:
            raise Refused(Fault.BAD_ACK, f"{count} bytes acknowledged, {self.outstanding} were outstanding")
        self.announced = True
        self.outstanding -= count
