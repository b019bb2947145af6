"""Fetches the log of every pod of a pool into the store while the pod runs, so that it outlives pod, Job and node.

    hint of a pod that runs or is over ──→ seen ──→ begun, some at a time ──→ one task a pod follows and writes
    every few seconds: pods that are over without their log ──→ seen                    │ until its end, or its loss
    Pod.log_stored_at, and the job made due ←── told, some at a time ←── sealed ←──────┘

One event loop runs a pool's capture. Two agents of one pool may run at once: the log's lock lets one of them write, the
other waits for it. Any of this may be killed at any moment: what to go on from is in the store (jobs.logs.captured).
A capture that fails is tried again after a pause, and stops no other.
"""

import asyncio
import logging
import resource
from asyncio import sslproto
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from jobs.agent import log_rows
from jobs.agent.lanes import Lane
from jobs.agent.log_rows import Known
from jobs.cluster.base import ClusterStreams, Hint, LogLines, PodPhase, PodRef, PodSnapshot
from jobs.cluster.errors import ClusterError, NotFound
from jobs.logs.filesystem import configured_store
from jobs.logs.store import CaptureWriter, LogBusy, LogKey, LogStore
from jobs.models import ResourcePool

logger = logging.getLogger(__name__)

LARGE = 64 << 10  # so many bytes are written by a thread: a slow disk shall not hold up the loop
REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds, but for `together` and `tries`."""

    together: int = 100  # how many are begun, and told of, at once
    spread: float = 0.2  # between two such lots
    tries: int = 30  # to tell of a pod that the registry does not know
    gather: float = 0.02
    look: float = 10.0
    again: float = 1.0  # after a failure; doubled with each one
    again_most: float = 30.0
    unknown: float = 1.0  # until it is told again of a pod that the registry does not know yet
    busy: float = 2.0


class Capture:
    def __init__(
        self,
        pool: ResourcePool,
        streams: ClusterStreams,
        lane: Lane,
        *,
        store: LogStore | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.pool = pool
        self.streams = streams
        self.lane = lane
        self.store = store or configured_store()
        self.pace = pace or Pace()
        self.seen: dict[PodRef, bool] = {}  # to be begun; whether it ever ran
        self.tasks: dict[PodRef, asyncio.Task[None]] = {}
        self.sealed: dict[PodRef, int] = {}  # to be told of; how often that was tried in vain
        self.done: dict[PodRef, None] = {}  # the last ones, so that they are not asked for again
        self.has_seen, self.has_sealed = asyncio.Event(), asyncio.Event()

    def see(self, hint: Hint) -> None:
        """At once, and never raises."""
        pod = hint.pod
        if pod is None or not pod.ref.uid:
            return
        if has_begun(pod) or hint.gone:
            self.take(pod.ref, ran=has_run(pod))

    def take(self, ref: PodRef, *, ran: bool) -> None:
        if ref in self.tasks or ref in self.sealed or ref in self.done:
            return
        self.seen[ref] = ran or self.seen.get(ref, False)
        self.has_seen.set()

    async def run(self) -> None:
        """Until cancelled; then nothing of it goes on."""
        allow_open_files()
        spare_memory()
        works = [asyncio.create_task(work()) for work in (self.begin_for_ever, self.tell_for_ever, self.look_for_ever)]
        try:
            await asyncio.gather(*works)
        finally:
            tasks = [*works, *self.tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def begin_for_ever(self) -> None:
        while True:
            await self.has_seen.wait()
            self.has_seen.clear()
            while self.seen:
                refs = dict(list(self.seen.items())[: self.pace.together])
                try:
                    self.begin(refs, await self.lane.run(log_rows.known, self.pool, list(refs)))
                except Exception:  # such as a database away for a moment: the same again, a little later
                    logger.exception("Which logs of pool %s to fetch could not be read", self.pool.name)
                    await asyncio.sleep(self.pace.again)
                if self.seen:
                    await asyncio.sleep(self.pace.spread)

    def begin(self, refs: Mapping[PodRef, bool], known: Mapping[PodRef, Known]) -> None:
        """Of a job that is not in the registry nothing is fetched, and of a deleted one nothing any more."""
        for ref, ran in refs.items():
            del self.seen[ref]
            if ref not in known or ref in self.tasks:
                continue
            if not known[ref].readable:
                self.seal(ref)
                continue
            self.tasks[ref] = asyncio.create_task(self.fetch(ref, known[ref], ran=ran), name=f"log of {ref.name}")
            self.tasks[ref].add_done_callback(partial(self.forget, ref))

    def forget(self, ref: PodRef, _task: asyncio.Task[None]) -> None:
        del self.tasks[ref]

    async def fetch(self, ref: PodRef, known: Known, *, ran: bool) -> None:
        """All of it, however often that fails."""
        pause, said = self.pace.again, ""
        while True:
            try:
                await self.fetch_once(ref, known, ran=ran)
                self.seal(ref)
                return
            except LogBusy:
                await asyncio.sleep(self.pace.busy)
                continue
            except (ClusterError, OSError) as exc:
                if str(exc) != said:
                    logger.warning("The log of pod %s waits: %s", ref.name, exc)
                said = str(exc)
            except Exception:  # one log that cannot be fetched must not keep others from it (R12): tried again
                logger.exception("The log of pod %s could not be fetched", ref.name)
            await asyncio.sleep(pause)
            pause = min(pause * 2, self.pace.again_most)

    async def fetch_once(self, ref: PodRef, known: Known, *, ran: bool) -> None:
        """From where the store ends to the log's end, or to the proof that there is no more to be had. Raises LogBusy,
        OSError, and Unavailable and its like."""
        key = LogKey(ref.job_id, ref.attempt, ref.replica)
        writer = self.store.capture_writer(key, ref.uid, settings.LOG_MAX_BYTES_PER_POD)
        try:
            if writer.is_sealed:
                return
            if known.marked:
                await self.lane.run(log_rows.mark_unstored, self.pool, ref)
            try:
                async with aclosing(self.streams.follow_logs(ref, since=writer.position())) as found:
                    async for lines in found:
                        await write(writer, lines)
            except NotFound:
                if ran:
                    writer.gap()
            writer.seal()
        finally:
            writer.close()

    def seal(self, ref: PodRef, tries: int = 0) -> None:
        self.sealed[ref] = tries
        self.has_sealed.set()

    async def tell_for_ever(self) -> None:
        while True:
            await self.has_sealed.wait()
            await asyncio.sleep(self.pace.gather)
            self.has_sealed.clear()
            refs = dict(list(self.sealed.items())[: self.pace.together])
            try:
                await self.told(refs, *await self.lane.run(log_rows.mark_stored, self.pool, list(refs)))
            except Exception:  # such as a database away for a moment: the same again, a little later
                logger.exception("That logs of pool %s are stored could not be written", self.pool.name)
                await asyncio.sleep(self.pace.again)
            if self.sealed:
                self.has_sealed.set()

    async def told(self, refs: Mapping[PodRef, int], unknown: Sequence[PodRef], gone: Collection[str]) -> None:
        for job_id in gone:  # deleted meanwhile: nothing of it stays behind
            await asyncio.to_thread(self.store.remove_job, job_id)
        for ref, tries in refs.items():
            del self.sealed[ref]
            if ref in unknown and tries < self.pace.tries:
                asyncio.get_running_loop().call_later(self.pace.unknown, self.seal, ref, tries + 1)
            else:
                self.done[ref] = None
        while len(self.done) > REMEMBERED:
            del self.done[next(iter(self.done))]

    async def look_for_ever(self) -> None:
        """Hints may be missed, and an agent may have been away while pods ended and went."""
        while True:
            await asyncio.sleep(self.pace.look)
            try:
                for ref, ran in (await self.lane.run(log_rows.left_over, self.pool)).items():
                    self.done.pop(ref, None)
                    self.take(ref, ran=ran)
                if self.tasks:
                    self.stop(await self.lane.run(log_rows.deleted, self.pool))
            except Exception:  # such as a database away for a moment: the next look
                logger.exception("Which logs of pool %s are left could not be read", self.pool.name)

    def stop(self, deleted: Collection[str]) -> None:
        for ref, task in list(self.tasks.items()):
            if ref.job_id in deleted:
                task.cancel()
                self.seal(ref)


def has_begun(pod: PodSnapshot) -> bool:
    return pod.is_over or has_run(pod)


def has_run(pod: PodSnapshot) -> bool:
    started = pod.started_at is not None or pod.exit_code is not None
    return started or pod.phase in (PodPhase.RUNNING, PodPhase.SUCCEEDED)


async def write(writer: CaptureWriter, lines: LogLines) -> None:
    """Whole, even when cancelled meanwhile: the writer is closed next."""
    if lines.gap:
        writer.gap()
    if len(lines.data) < LARGE:
        writer.append(lines.data, lines.times)
        return
    work = asyncio.ensure_future(asyncio.to_thread(writer.append, lines.data, lines.times))
    try:
        await asyncio.shield(work)
    finally:
        if not work.done():
            await asyncio.wait([work])


def allow_open_files() -> None:
    """A capture has two files and a connection open: as many as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def spare_memory() -> None:
    """asyncio gives each TLS connection 256 KiB to read into, which would be most of what thousands of silent logs
    cost; a TLS record has at most 16 KiB (RFC 8446, section 5.1)."""
    sslproto.SSLProtocol.max_size = 16 << 10
