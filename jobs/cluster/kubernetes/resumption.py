"""Finding in a log that is read again the place where reading stopped, so that no line comes twice and none is lost.
Pure.

The API server takes `sinceTime` in whole seconds only, and the log's times are not quite in order, so the answer begins
with lines that were read before. What was read is skipped up to just after the bytes of the LogPosition. When those do
not come, the log was rotated or removed in between: the search is lost, and reading goes on with what is newer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from jobs.cluster.kubernetes.stamped import Lines, Part, Piece, nanoseconds
from jobs.logs.position import LogPosition, new_digest

if TYPE_CHECKING:
    import hashlib

SECOND_NS = 1_000_000_000
DISORDER_NS = SECOND_NS  # lines may come so much out of the order of their times: in truth it is microseconds


def since_time(position: LogPosition) -> str:
    """For the query: early enough for every line that may come after the position, whatever its time."""
    moment = datetime.fromtimestamp(max(0, position.time_ns // SECOND_NS - DISORDER_NS // SECOND_NS), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class Filter(Protocol):
    is_open: bool  # everything that comes from now on is new

    def feed(self, parts: Sequence[Part]) -> list[Part]:
        """What of it is new."""


@dataclass(slots=True)
class Candidate:
    """A place that may be the position's beginning, and what followed it so far."""

    digest: "hashlib.blake2b" = field(default_factory=new_digest)
    size: int = 0


class Search:
    """For what follows the position."""

    def __init__(self, position: LogPosition) -> None:
        self.position = position
        self.is_open = False
        self.is_lost = False
        self.saw_newer = False
        self.digest = new_digest()  # once found: of the position's bytes
        self._candidates: list[Candidate] = []
        self._last_ns: int | None = None

    @property
    def is_found(self) -> bool:
        return self.is_open

    def feed(self, parts: Sequence[Part]) -> list[Part]:
        for number, part in enumerate(parts):
            rest = self._lines(part) if isinstance(part, Lines) else self._piece(part)
            if self.is_open:
                return [*rest, *parts[number + 1 :]]
            if self.is_lost:
                break
        return []

    def _lines(self, block: Lines) -> list[Part]:
        for number, (stamp, text) in enumerate(zip(block.stamps, block.texts, strict=True), 1):
            rest = self._piece(Piece(nanoseconds(stamp), text + b"\n", starts=True))
            if self.is_open and number < len(block.texts):
                rest.append(block.after(number))
            if self.is_open or self.is_lost:
                return rest
        return []

    def _piece(self, piece: Piece) -> list[Part]:
        if piece.starts:
            if piece.time_ns == self.position.time_ns != self._last_ns:
                self._candidates.append(Candidate())
            self._last_ns = piece.time_ns
            self.saw_newer |= piece.time_ns > self.position.time_ns
        for candidate in tuple(self._candidates):
            used = min(self.position.size - candidate.size, len(piece.data))
            candidate.digest.update(piece.data[:used])
            candidate.size += used
            if candidate.size < self.position.size:
                continue
            if candidate.digest.digest() == self.position.digest:
                self.is_open, self.digest = True, candidate.digest
                rest = piece.data[used:]
                return [Piece(piece.time_ns, rest, starts=False)] if rest else []
            self._candidates.remove(candidate)
        self.is_lost = not self._candidates and piece.time_ns > self.position.latest_ns + DISORDER_NS
        return []


class Newer:
    """Everything from the first line on that is newer than the position."""

    def __init__(self, position: LogPosition) -> None:
        self.position = position
        self.is_open = False

    def feed(self, parts: Sequence[Part]) -> list[Part]:
        for number, part in enumerate(parts):
            rest = self._lines(part) if isinstance(part, Lines) else self._piece(part)
            if self.is_open:
                return [*rest, *parts[number + 1 :]]
        return []

    def _lines(self, block: Lines) -> list[Part]:
        for number, stamp in enumerate(block.stamps):
            if nanoseconds(stamp) > self.position.time_ns:
                self.is_open = True
                return [block.after(number)]
        return []

    def _piece(self, piece: Piece) -> list[Part]:
        self.is_open = piece.starts and piece.time_ns > self.position.time_ns
        return [piece] if self.is_open else []
