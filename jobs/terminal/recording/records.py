"""The rows of recordings: begun before anything runs, finished with the terminal, and removed after their files."""

import logging
import os
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from jobs.models import Job, Pod, TerminalRecording, TerminalSession
from jobs.models.recording import RecordingState
from jobs.terminal.recording import files
from jobs.terminal.recording.files import Whole

logger = logging.getLogger(__name__)

# A terminal's end and its recording's are written one after the other by the process that had both.
SETTLE = timedelta(seconds=15)
BATCH = 500


def create(session: TerminalSession, job: Job, pod: Pod, policy: str) -> TerminalRecording:
    return TerminalRecording.objects.create(
        session=session,
        project=job.project,
        user_name=session.user.username,
        job_public_id=job.public_id,
        pod_name=pod.name,
        policy=policy,
        started_at=session.started_at,
    )


def finish(pk: int, state: RecordingState, whole: Whole, left_out: int, now: datetime) -> None:
    """The first to say how it ended is believed."""
    TerminalRecording.objects.filter(pk=pk, ended_at=None).update(
        state=state, ended_at=now, size_bytes=whole.size, seconds=whole.seconds, left_out_bytes=left_out
    )


def close_lost(now: datetime) -> int:
    """Those whose terminal has ended, or is forgotten, without a word about them: their server was killed."""
    over = Q(session=None) | Q(session__ended_at__lt=now - SETTLE)
    lost = TerminalRecording.objects.filter(over, ended_at=None).select_related("session")[:BATCH]
    for recording in lost:
        ended_at = recording.session.ended_at if recording.session else None
        finish(recording.pk, RecordingState.LOST, measured(recording.public_id), 0, ended_at or now)
    return len(lost)


def measured(public_id: str) -> Whole:
    try:
        fd = os.open(files.path_of(public_id), files.READ)
    except FileNotFoundError:
        return Whole(0, 0.0)
    try:
        return files.whole_part(fd)
    finally:
        os.close(fd)


def purge(now: datetime) -> int:
    """Removes what is older than the retention: the file first, so that none is forgotten; one that cannot be removed
    keeps its row, and is tried again. Answers how many went."""
    removed = 0
    for recording in due(now).iterator(chunk_size=BATCH):
        try:
            files.remove(recording.public_id)
        except OSError:
            logger.exception("The file of recording %s cannot be removed", recording.public_id)
            continue
        recording.delete()
        removed += 1
        if removed == BATCH:
            break
    return removed


def due(now: datetime) -> QuerySet[TerminalRecording]:
    before = now - timedelta(seconds=settings.TERMINAL_RECORDING_KEEP_SECONDS)
    return TerminalRecording.objects.filter(ended_at__lt=before).order_by("ended_at").only("pk", "public_id")
