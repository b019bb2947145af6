"""What one open page has not been told yet. However slow its reader is, this holds no more than MOST_JOBS jobs."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.consumers.live.hub import JobNews
from jobs.consumers.live.protocol import MOST_JOBS, Changed, ChangedJob, Refresh, Topics


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader may see: these projects, None for all of them."""

    projects: frozenset[int] | None

    def covers(self, project: int) -> bool:
        return self.projects is None or project in self.projects


class Inbox:
    """Filled by the hub and emptied by the connection's task, both in one event loop."""

    def __init__(self, topics: Topics, sight: Sight) -> None:
        self.topics = topics
        self.sight = sight
        self.filled = asyncio.Event()
        self._jobs: dict[str, ChangedJob] = {}
        self._pools: set[str] = set()
        self._anything = False

    def take(self, jobs: Sequence[JobNews], pools: Iterable[str]) -> None:
        for one in jobs:
            if (self.topics.jobs or one.public_id in self.topics.job_ids) and self.sight.covers(one.project):
                self._jobs[one.public_id] = told(one)
        if self.topics.pools:
            self._pools.update(pools)
        if len(self._jobs) > MOST_JOBS:
            self.take_anything()
        elif self._jobs or self._pools:
            self.filled.set()

    def take_anything(self) -> None:
        self._anything = True
        self._jobs.clear()
        self._pools.clear()
        self.filled.set()

    def empty(self) -> Changed | Refresh:
        """What is there to tell; only after `filled`."""
        self.filled.clear()
        if self._anything:
            message: Changed | Refresh = Refresh()
        else:
            message = Changed(list(self._jobs.values()), sorted(self._pools))
        self._jobs.clear()
        self._pools.clear()
        self._anything = False
        return message


def told(one: JobNews) -> ChangedJob:
    return ChangedJob(one.public_id, one.status, one.version, deleted=one.deleted_at is not None)
