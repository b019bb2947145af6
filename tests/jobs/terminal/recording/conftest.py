from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project, RecordingPolicy
from jobs.models import Job, TerminalRecording, TerminalSession
from jobs.terminal.recording import records
from jobs.terminal.recording.files import RecordingFile
from tests.jobs.terminal.pods import running_pod


@pytest.fixture(autouse=True)
def recording_dir(tmp_path: Path, settings: Any) -> Path:
    settings.RECORDING_DIR = tmp_path / "recordings"
    return tmp_path / "recordings"


@pytest.fixture
def session(job: Job) -> TerminalSession:
    return TerminalSession.objects.create(user=job.owner, job=job, pod=running_pod(job))


@pytest.fixture
def row(session: TerminalSession) -> TerminalRecording:
    return records.create(session, session.job, session.pod, RecordingPolicy.ON)


def with_policy(session: TerminalSession, policy: RecordingPolicy) -> TerminalSession:
    Project.objects.filter(pk=session.job.project_id).update(recording=policy)
    return TerminalSession.objects.select_related("user", "job__project", "pod").get(pk=session.pk)


def file_with(row: TerminalRecording, text: bytes) -> None:
    RecordingFile(row.public_id, text, limit=1 << 20).close()


def ended(row: TerminalRecording, **columns: Any) -> TerminalRecording:
    TerminalRecording.objects.filter(pk=row.pk).update(ended_at=timezone.now(), state="complete", **columns)
    return TerminalRecording.objects.get(pk=row.pk)
