"""The asynchronous half of the port for Kubernetes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs.cluster.base import ExecSession, Hint, LogLines, LogPosition, PodRef
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.followed import Followed, FollowedEvents, FollowedJobs, FollowedPods, KeptJob
from jobs.cluster.kubernetes.pace import Pace, Timing
from jobs.cluster.kubernetes.watch import Reflector

AHEAD = 1000  # hints that may wait to be taken; then the watches wait


class KubernetesStreams:
    def __init__(self, access: Access, timing: Timing | None = None) -> None:
        self.client = AsyncClient(access)
        self.paces = [
            Pace(timing or Timing()) for _resource in range(3)
        ]  # outlive a watch, so that it may be begun anew
        self.reflectors: list[Reflector] = []

    async def watch(self) -> AsyncIterator[Hint]:
        """Of Jobs, pods and events at once. One that fails, or that is forbidden, leaves the others alone."""
        followed: list[Followed[Any]] = [FollowedJobs(), FollowedPods(self.job_named), FollowedEvents()]
        self.reflectors = [Reflector(self.client, each, pace) for each, pace in zip(followed, self.paces, strict=True)]
        waiting: asyncio.Queue[Hint] = asyncio.Queue(AHEAD)
        tasks = [asyncio.create_task(take(reflector, waiting)) for reflector in self.reflectors]
        try:
            while True:
                yield await waiting.get()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.aclose()

    def watched_at(self) -> datetime | None:
        """That of the Jobs and the pods: without events a watch is poorer, not blind."""
        times = [reflector.seen_at for reflector in self.reflectors[:2]]
        known = [time for time in times if time is not None]
        return min(known) if known and len(known) == len(times) else None

    def follow_logs(self, pod: PodRef, *, since: LogPosition | None) -> AsyncGenerator[LogLines, None]:
        from jobs.cluster.kubernetes import logs

        return logs.follow(self.client, pod, since=since)

    async def open_exec(
        self, pod: PodRef, *, command: Sequence[str], env: Mapping[str, str], cols: int, rows: int
    ) -> ExecSession:
        from jobs.cluster.kubernetes import exec as terminal

        return await terminal.open_session(self.client, pod, command=command, env=env, cols=cols, rows=rows)

    async def aclose(self) -> None:
        """Closes the running loop's connections; what still follows a log or a terminal keeps its own."""
        await self.client.aclose()

    def job_named(self, name: str) -> wire.Job | None:
        kept: KeptJob | None = self.reflectors[0].cache.kept.get(name)
        return kept.job if kept else None


async def take(reflector: Reflector, waiting: asyncio.Queue[Hint]) -> None:
    async for hint in reflector.hints():
        await waiting.put(hint)
