"""Recordings read back: found among a job's own, and handed out piece by piece up to the last whole event."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable

from channels.db import database_sync_to_async
from django.conf import settings

from accounts.credentials import user_of
from accounts.models import User
from accounts.roles import may_control
from jobs.exceptions import RecordingNotFound
from jobs.identifiers import RECORDING_ID
from jobs.models import Job, TerminalRecording
from jobs.terminal.recording import files, records

PIECE = 256 * 1024
MOST = 1000


class AccessEnded(Exception):
    """Who reads may not any more. The connection is cut, which a client can tell from the end."""


def of_job(job: Job) -> list[TerminalRecording]:
    """The newest first."""
    return list(TerminalRecording.objects.filter(job_public_id=job.public_id).order_by("-id")[:MOST])


def find(job: Job, public_id: str) -> TerminalRecording:
    """Only among the job's own. Raises RecordingNotFound."""
    if not RECORDING_ID.fullmatch(public_id):
        raise RecordingNotFound
    recording = TerminalRecording.objects.filter(job_public_id=job.public_id, public_id=public_id).first()
    if recording is None:
        raise RecordingNotFound
    return recording


def size_of(recording: TerminalRecording) -> int:
    """Of its whole events. Raises RecordingNotFound where there is not even a header."""
    size = records.measured(recording.public_id).size
    if not size:
        raise RecordingNotFound
    return size


async def pieces(
    recording: TerminalRecording, size: int, credential_key: str, may_read: Callable[[User], bool]
) -> AsyncGenerator[bytes, None]:
    """Its first `size` bytes. The right to them is asked for again every AUTHORITY_CHECK_SECONDS. Raises AccessEnded,
    OSError."""
    loop = asyncio.get_running_loop()
    asked, at = loop.time(), 0
    fd = await loop.run_in_executor(files.THREADS, os.open, files.path_of(recording.public_id), files.READ)
    try:
        while at < size:
            if loop.time() - asked >= settings.AUTHORITY_CHECK_SECONDS:
                asked = loop.time()
                await database_sync_to_async(check, thread_sensitive=False)(credential_key, may_read)
            piece = await loop.run_in_executor(files.THREADS, os.pread, fd, min(PIECE, size - at), at)
            if not piece:
                raise OSError(f"recording {recording.public_id} is shorter than it was")
            at += len(piece)
            yield piece
    finally:
        os.close(fd)


def check(credential_key: str, may_read: Callable[[User], bool]) -> None:
    """Raises AccessEnded."""
    user = user_of(credential_key)
    if user is None or not may_read(user):
        raise AccessEnded


def may_read_of(job: Job) -> Callable[[User], bool]:
    """Who may enter the job's pods may see what was done in them."""

    def may_read(user: User) -> bool:
        is_there = Job.objects.visible_to(user).filter(pk=job.pk).exists()
        return is_there and may_control(user.role_in(job.project_id), owns=job.owner_id == user.pk)

    return may_read
