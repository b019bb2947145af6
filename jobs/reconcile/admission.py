"""Which waiting jobs may start: by queue priority, then the job's, then age, as far as places and resources go. Pure.

A job that does not fit keeps its place: what comes behind it in the same pool may not overtake it by being smaller, or
a large job would wait for ever. A full queue holds back its own jobs only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs import quantities
from jobs.cluster.base import Capacity

RESOURCES = ("cpu", "memory", "gpu")
SHOW: dict[str, Callable[[int], str]] = {"cpu": quantities.show_cpu, "memory": quantities.show_memory, "gpu": str}


@dataclass(frozen=True, slots=True)
class Amount:
    """Thousandths of CPUs, bytes, GPUs."""

    cpu: int = 0
    memory: int = 0
    gpu: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.cpu + other.cpu, self.memory + other.memory, self.gpu + other.gpu)


@dataclass(frozen=True, slots=True)
class Waiting:
    pk: int
    queue_id: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class QueueState:
    name: str
    limit: int | None
    running: int


@dataclass(frozen=True, slots=True)
class Held:
    """Why a job waits: reason and parameters of jobs.wording."""

    pk: int
    reason: str = "Waiting"
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    admitted: tuple[int, ...]
    held: tuple[Held, ...]


def choose(waiting: Sequence[Waiting], queues: Mapping[int, QueueState], *, capacity: Capacity, used: Amount) -> Choice:
    """`waiting` is in order: who comes first goes first."""
    running = {pk: queue.running for pk, queue in queues.items()}
    admitted: list[int] = []
    held: list[Held] = []
    blocked = False
    for job in waiting:
        queue = queues[job.queue_id]
        if queue.limit is not None and running[job.queue_id] >= queue.limit:
            held.append(full(job, queue, running[job.queue_id]))
        elif blocked and job.amount != Amount():
            held.append(Held(job.pk, params={"variant": "behind", "ahead": len(held)}))
        elif short := shortage(job, capacity, used):
            blocked = True
            held.append(short)
        else:
            admitted.append(job.pk)
            running[job.queue_id] += 1
            used += job.amount
    return Choice(tuple(admitted), tuple(held))


def full(job: Waiting, queue: QueueState, running: int) -> Held:
    return Held(job.pk, params={"variant": "queue", "queue": queue.name, "limit": queue.limit, "running": running})


def shortage(job: Waiting, capacity: Capacity, used: Amount) -> Held | None:
    totals = {"cpu": capacity.cpu_millis, "memory": capacity.memory_bytes, "gpu": capacity.gpus}
    for name in RESOURCES:
        total, asked = totals[name], getattr(job.amount, name)
        if total is None or not asked:
            continue
        free = max(0, total - getattr(used, name))
        if asked > free:
            show = SHOW[name]
            return Held(
                job.pk, params={"variant": name, "free": show(free), "total": show(total), "asked": show(asked)}
            )
    return None
