"""What a reflector remembers of a resource's objects, and what is news about them. Pure.

Kubernetes writes objects far more often than their state changes; only a changed state is news. What is kept of an
object is small and comparable, so that 10,000 pods fit in a few tens of megabytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jobs.cluster.base import Hint
from jobs.cluster.kubernetes.wire import Meta


@dataclass(frozen=True, slots=True)
class Seen:
    """One object as it is: `kept` differs when there is news, `hint` tells it. `steady`: nothing that whoever begins to
    look would have to be told."""

    key: str
    kept: Any
    hint: Hint
    steady: bool = False


@dataclass(slots=True)
class Cache:
    """`vanished` makes the hint for an object that went away unseen, from what was kept of it. Nothing is said to be
    gone but by a complete list or by the server."""

    vanished: Callable[[Any], Hint | None]
    kept: dict[str, Any] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    complete: bool = False

    def begin_list(self) -> None:
        self.listed = set()

    def of_list(self, seen: Seen) -> Hint | None:
        self.listed.add(seen.key)
        news = self.put(seen)
        return news if self.complete or not seen.steady else None

    def of_list_unread(self, meta: Meta) -> None:
        """It is there, whatever it is."""
        self.listed |= {meta.name, meta.uid}

    def end_list(self) -> Iterator[Hint]:
        """The list was complete: what it lacks has gone."""
        gone = self.kept.keys() - self.listed
        self.listed, self.complete = set(), True
        for key in gone:
            if hint := self.vanished(self.kept.pop(key)):
                yield hint

    def put(self, seen: Seen) -> Hint | None:
        if self.kept.get(seen.key) == seen.kept:
            return None
        self.kept[seen.key] = seen.kept
        return seen.hint

    def remove(self, key: str) -> None:
        self.kept.pop(key, None)
