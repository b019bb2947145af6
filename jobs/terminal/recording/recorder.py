"""One terminal's recording while it runs: takes what is shown, and writes it behind the terminal's back.

Belongs to one event loop. Events wait in a bounded queue; one task hands them on, a batch at a time, to the threads of
jobs.terminal.recording.files. Where the recording is required, output waits until it is in the file, and is shown after
that. Otherwise output is left out when the disk is slower than the terminal, and a marker says how much.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from channels.db import database_sync_to_async
from django.utils import timezone

from accounts.models import RecordingPolicy
from jobs.models import TerminalRecording
from jobs.models.recording import RecordingState
from jobs.terminal.recorder import NotRecorded
from jobs.terminal.recording import asciicast, records
from jobs.terminal.recording.asciicast import Event
from jobs.terminal.recording.files import THREADS, RecordingFile, RecordingFull, Whole

logger = logging.getLogger(__name__)

QUEUE_BYTES = 1024 * 1024
EVENT_OVERHEAD = 200  # what an event of few bytes holds in memory
SYNC_SECONDS = 5.0
END_SECONDS = 5.0


class FileRecorder:
    """A Recorder."""

    def __init__(self, row: TerminalRecording, file: RecordingFile, on_failure: Callable[[], None]) -> None:
        self.row, self.file, self.on_failure = row, file, on_failure
        self.policy = row.policy
        self.is_required = row.policy == RecordingPolicy.REQUIRED
        self.loop = asyncio.get_running_loop()
        self.started = self.synced = self.loop.time()
        self.encoder = asciicast.Encoder()
        self.events: deque[Event] = deque()
        self.added = self.written = 0  # bytes of events
        self.left_out = self.unsaid = 0
        self.seconds = 0.0
        self.state = RecordingState.OPEN
        self.more, self.progress = asyncio.Event(), asyncio.Event()
        self.ending = False
        self.pump = asyncio.create_task(self.write_behind())

    async def output(self, data: bytes) -> None:
        if self.is_required:
            await self.output_kept(data)
        elif not self.is_writing:
            return
        elif self.queued > QUEUE_BYTES:
            self.left_out += len(data)
            self.unsaid += len(data)
        else:
            self.say_what_is_missing()
            self.add(asciicast.OUTPUT, data)

    async def output_kept(self, data: bytes) -> None:
        """Returns when it is in the file. Raises NotRecorded."""
        if not self.is_writing:
            raise NotRecorded
        self.add(asciicast.OUTPUT, data)
        goal = self.added
        while self.written < goal and self.state is RecordingState.OPEN:
            self.progress.clear()
            await self.progress.wait()
        if self.state is not RecordingState.OPEN:
            raise NotRecorded

    def resized(self, cols: int, rows: int) -> None:
        if self.is_writing and self.queued <= 2 * QUEUE_BYTES:
            self.add(asciicast.RESIZED, f"{cols}x{rows}".encode())

    @property
    def queued(self) -> int:
        return self.added - self.written

    @property
    def is_writing(self) -> bool:
        return self.state is RecordingState.OPEN and not self.ending

    def say_what_is_missing(self) -> None:
        if self.unsaid:
            text = f"{self.unsaid} bytes are missing here: they could not be written quickly enough"
            self.unsaid = 0
            self.add(asciicast.MARKER, text.encode())

    def add(self, kind: str, data: bytes) -> None:
        at = self.loop.time() - self.started
        last = self.events[-1] if self.events else None
        if last and last.takes(at, kind, len(data)):
            last.data += data
            self.added += len(data)
        else:
            self.events.append(Event(at, kind, bytearray(data)))
            self.added += len(data) + EVENT_OVERHEAD
        self.more.set()

    # The writing.

    async def write_behind(self) -> None:
        """Until the recording has ended or failed; the file is closed then, however long a disk takes for it."""
        while self.is_writing or (self.events and self.state is RecordingState.OPEN):
            await self.more.wait()
            self.more.clear()
            await self.attempt(self.write, self.take())
        await self.attempt(self.close)

    def take(self) -> deque[Event]:
        batch, self.events = self.events, deque()
        return batch

    async def attempt(self, call: Callable[..., None], *args: Any) -> None:
        goal = self.added
        try:
            await self.loop.run_in_executor(THREADS, call, *args)
        except RecordingFull:
            logger.warning("Recording %s has met its size limit", self.row.public_id)
            self.fail(RecordingState.LIMIT)
        except Exception:  # the boundary of one recording: whatever it was, what follows is not recorded
            logger.exception("Recording %s cannot be written", self.row.public_id)
            self.fail(RecordingState.FAILED)
        finally:
            self.written = goal
            self.progress.set()

    def fail(self, state: RecordingState) -> None:
        if self.state is RecordingState.OPEN:
            self.state = state
            if self.is_required:
                self.on_failure()

    # In a thread, one after the other.

    def write(self, batch: deque[Event]) -> None:
        """Raises RecordingFull, OSError."""
        for event in batch:
            try:
                self.file.write(self.encoder.lines(event))
            except RecordingFull:
                text = f"The recording ends here: it has met its limit of {self.file.limit} bytes"
                self.file.write_last(asciicast.event_line(event.at, asciicast.MARKER, text))
                raise
            self.seconds = event.at
        if self.loop.time() - self.synced > SYNC_SECONDS:
            self.file.sync()
            self.synced = self.loop.time()

    def close(self) -> None:
        """Raises OSError."""
        try:
            self.file.sync()
        finally:
            self.file.close()

    # The end.

    async def end(self) -> None:
        if self.ending:
            return
        self.say_what_is_missing()
        self.ending = True
        self.more.set()
        await asyncio.wait({self.pump}, timeout=END_SECONDS)
        if not self.pump.done():
            logger.error("Recording %s: its end could not be written in time", self.row.public_id)
            self.state = RecordingState.FAILED
        try:
            await database_sync_to_async(self.finish, thread_sensitive=False)()
        except Exception:  # the terminal has ended all the same; the purge closes what is left open
            logger.exception("The end of recording %s could not be noted", self.row.public_id)

    def finish(self) -> None:
        state = RecordingState.COMPLETE if self.state is RecordingState.OPEN else self.state
        records.finish(self.row.pk, state, Whole(self.file.size, self.seconds), self.left_out, timezone.now())
