"""Gaps: what a follower of a log is told where lines are, or may be, missing. Pure.

Most of them are lines of the platform's own in the log itself (format.py, MARKER), written by whoever could not go on;
others are found while following. In plain text each is a line that begins with PREFIX.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from jobs.logs.text import moment

PREFIX = b"[platform] "
MESSAGE_BYTES = 4096  # no writer's line is longer; what a damaged index takes for one is cut


class Reason(StrEnum):
    MISSING = "missing"  # lines were printed, or may have been, that could not be read or written
    LIMIT = "limit"  # the log has reached its size, and what is printed from there on is not kept
    NEW_POD = "new_pod"  # another pod's output follows
    DAMAGED = "damaged"  # what was stored can no longer be read
    LOST = "lost"  # the log ends before the cursor that it was asked for
    SKIPPED = "skipped"  # left out for this reader, who asked not to be further behind
    NOTICE = "notice"  # any other word of the platform's


@dataclass(frozen=True, slots=True)
class Gap:
    """`time_ns`: when, None where only this reader has it. `message` is one line of English, as logs are."""

    reason: Reason
    message: str
    time_ns: int | None = None

    @property
    def line(self) -> bytes:
        return PREFIX + self.message.encode() + b"\n"


SAID = (
    (re.compile(r"Lines may be missing here|\d+ bytes are missing here"), Reason.MISSING),
    (re.compile(r"The log reached its limit"), Reason.LIMIT),
    (re.compile(r"The cluster gave this replica a new pod"), Reason.NEW_POD),
    (re.compile(r".*damaged", re.IGNORECASE), Reason.DAMAGED),
)


def from_line(line: bytes, time_ns: int) -> Gap:
    """Of a line of the platform's own; PREFIX and the line's end may be missing."""
    message = " ".join(line[:MESSAGE_BYTES].removeprefix(PREFIX).decode(errors="replace").split())
    reason = next((reason for pattern, reason in SAID if pattern.match(message)), Reason.NOTICE)
    return Gap(reason, message, time_ns)


def skipped(size: int, most: int) -> Gap:
    return Gap(Reason.SKIPPED, f"{size} bytes were skipped here: this reader asked to be at most {most} behind.")


def lost(cursor: int, size: int) -> Gap:
    return Gap(Reason.LOST, f"This log ends at {size}, before the cursor {cursor}: what was written between is lost.")


def facts(gap: Gap) -> dict[str, str | None]:
    """What a client is told."""
    time = None if gap.time_ns is None else moment(gap.time_ns)
    return {"reason": gap.reason.value, "message": gap.message, "time": time}
