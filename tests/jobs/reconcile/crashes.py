"""Workers that die at a chosen point: before a call or a write, after it took effect, or after a call whose answer was
lost."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jobs.cluster.base import AttemptSpec, Capacity, Cluster, ObjectRef, Observation
from jobs.cluster.errors import Unavailable

T = TypeVar("T")
BEFORE, UNACKNOWLEDGED, AFTER = "before", "unacknowledged", "after"
SHAPE = 70  # characters of a statement that tell what it writes
FEW = 2
WRITES = ("UPDATE", "INSERT", "DELETE")


class Crash(BaseException):
    """The process is gone: nothing catches this but the test."""


@dataclass(frozen=True, slots=True)
class Point:
    call: str
    number: int  # from 1
    mode: str

    def __str__(self) -> str:
        return f"{self.mode} {self.call} {self.number}"


def modes(call: str) -> tuple[str, ...]:
    if call.startswith(WRITES):
        return (BEFORE,)
    return (BEFORE, AFTER) if call == "observe" else (BEFORE, UNACKNOWLEDGED, AFTER)


@dataclass(slots=True)
class Fate:
    """Counts what a worker does, and ends it at the point."""

    point: Point | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def meet(self, call: str, act: Callable[[], T]) -> T:
        self.counts[call] += 1
        point = self.point
        if point is None or (point.call, point.number) != (call, self.counts[call]):
            return act()
        if point.mode == BEFORE:
            raise Crash(str(point))
        done = act()
        if point.mode == UNACKNOWLEDGED:
            raise Unavailable("the answer was lost")
        raise Crash(f"{point}: {done}")

    def write(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """For connection.execute_wrapper."""
        if not sql.startswith(WRITES):
            return execute(sql, params, many, context)
        return self.meet(sql[:SHAPE], lambda: execute(sql, params, many, context))

    def points(self) -> list[Point]:
        """All there are in what was counted; of writes that look alike the first few. To die after a write is to die
        before what comes next."""
        return [
            Point(call, number, mode)
            for call, count in sorted(self.counts.items())
            for number in range(1, (min(count, FEW) if call.startswith(WRITES) else count) + 1)
            for mode in modes(call)
        ]


class Fated:
    """A cluster as a worker sees it that may die at each call."""

    concurrency = 1

    def __init__(self, cluster: Cluster, fate: Fate) -> None:
        self.cluster, self.fate = cluster, fate

    def create_attempt(self, spec: AttemptSpec) -> ObjectRef:
        return self.fate.meet("create", lambda: self.cluster.create_attempt(spec))

    def observe(self, refs: Sequence[ObjectRef]) -> Mapping[ObjectRef, Observation]:
        return self.fate.meet("observe", lambda: self.cluster.observe(refs))

    def delete_attempt(self, ref: ObjectRef, *, grace_seconds: float) -> None:
        self.fate.meet("delete", lambda: self.cluster.delete_attempt(ref, grace_seconds=grace_seconds))

    def forget_attempt(self, ref: ObjectRef) -> None:
        self.fate.meet("forget", lambda: self.cluster.forget_attempt(ref))

    def list_attempts(self) -> Sequence[ObjectRef]:
        return self.cluster.list_attempts()

    def capacity(self) -> Capacity:
        return self.cluster.capacity()
