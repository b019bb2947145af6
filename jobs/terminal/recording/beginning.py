"""Whether a terminal is recorded, and the beginning of its recording: before there is a shell to record."""

import logging
from collections.abc import Callable
from functools import partial

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone

from accounts.models import RecordingPolicy
from jobs.models import Job, Pod, TerminalRecording, TerminalSession
from jobs.models.recording import RecordingState
from jobs.terminal.recorder import NotRecorded, Recorder, Unrecorded
from jobs.terminal.recording import asciicast, records
from jobs.terminal.recording.files import RecordingFile, Whole
from jobs.terminal.recording.recorder import FileRecorder

logger = logging.getLogger(__name__)


async def begin(
    session: TerminalSession, job: Job, pod: Pod, *, cols: int, rows: int, on_failure: Callable[[], None]
) -> Recorder:
    """After the policy of the job's project, as `job.project` was read. `on_failure` is called, once at most, when a
    recording that the project requires cannot go on. Raises NotRecorded where it cannot even begin."""
    policy = RecordingPolicy(job.project.recording)
    if policy is RecordingPolicy.OFF:
        return Unrecorded()
    opening = partial(open_recording, session, job, pod, policy, cols=cols, rows=rows)
    try:
        row, file = await database_sync_to_async(opening, thread_sensitive=False)()
    except OSError as exc:
        logger.exception("The recording of terminal %s cannot be begun", session.pk)
        if policy is RecordingPolicy.REQUIRED:
            raise NotRecorded from exc
        return Unrecorded()
    return FileRecorder(row, file, on_failure)


def open_recording(
    session: TerminalSession, job: Job, pod: Pod, policy: RecordingPolicy, *, cols: int, rows: int
) -> tuple[TerminalRecording, RecordingFile]:
    """The row first, so that no file is unknown. Raises OSError."""
    row = records.create(session, job, pod, policy)
    header = asciicast.header(cols=cols, rows=rows, started_at=row.started_at, title=pod.name)
    try:
        return row, RecordingFile(row.public_id, header, settings.TERMINAL_RECORDING_MAX_BYTES)
    except OSError:
        records.finish(row.pk, RecordingState.FAILED, Whole(0, 0.0), 0, timezone.now())
        raise
