"""Which of the lines that look like errors explains a failure. Pure.

In one replica, what a program survived does not: it is the errors at the end that count, those between which little
time passed. Of these it is the first with the best rank. Between replicas a cause comes before a consequence, and the
earlier line before the later one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.logs.errors.rules import Rank

TOGETHER_NS = 10_000_000_000  # errors less far apart belong together


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate and when it was printed. [start, end): offsets in the replica's log."""

    replica: int
    start: int
    end: int
    time_ns: int
    kind: str
    rank: Rank


def of_replica(seen: Sequence[Seen]) -> Seen | None:
    """`seen` in the order of the log."""
    best = min((one.rank for one in seen), default=None)
    chosen: Seen | None = None
    for one in reversed(seen):
        if one.rank is not best:
            continue
        if chosen is not None and chosen.time_ns - one.time_ns > TOGETHER_NS:
            break
        chosen = one
    return chosen


def of_all(found: Iterable[Seen]) -> Seen | None:
    return min(found, key=lambda one: (one.rank, one.time_ns, one.replica), default=None)
