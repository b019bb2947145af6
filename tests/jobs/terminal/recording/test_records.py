"""A recording's row ends with its terminal whatever killed it, and goes with its file when its time is over."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import tasks
from jobs.models import Job, TerminalRecording, TerminalSession
from jobs.terminal.recording import records
from jobs.terminal.recording.files import path_of
from tests.jobs.terminal.recording.conftest import ended, file_with

pytestmark = pytest.mark.django_db
HEADER = b'{"version": 2, "width": 80, "height": 24}\n'
EVENT = b'[2.5, "o", "x"]\n'


def end_session(session: TerminalSession, seconds_ago: int) -> None:
    TerminalSession.objects.filter(pk=session.pk).update(ended_at=timezone.now() - timedelta(seconds=seconds_ago))


def test_what_a_killed_server_left_is_closed_with_what_there_is(
    row: TerminalRecording, session: TerminalSession
) -> None:
    file_with(row, HEADER + EVENT + EVENT[:5])
    end_session(session, 120)
    assert records.close_lost(timezone.now()) == 1
    row.refresh_from_db()
    session.refresh_from_db()
    assert (row.state, row.ended_at) == ("lost", session.ended_at)
    assert (row.size_bytes, row.seconds) == (len(HEADER + EVENT), 2.5)
    assert records.close_lost(timezone.now()) == 0


def test_one_whose_terminal_goes_on_or_has_just_ended_is_left_alone(
    row: TerminalRecording, session: TerminalSession
) -> None:
    assert records.close_lost(timezone.now()) == 0
    end_session(session, 5)
    assert records.close_lost(timezone.now()) == 0


def test_one_without_a_file_is_closed_too(row: TerminalRecording, session: TerminalSession) -> None:
    end_session(session, 120)
    assert records.close_lost(timezone.now()) == 1
    row.refresh_from_db()
    assert (row.state, row.size_bytes) == ("lost", 0)


def test_a_recording_outlives_its_job(row: TerminalRecording, job: Job) -> None:
    file_with(row, HEADER)
    ended(row)
    job.delete()
    row.refresh_from_db()
    assert row.session is None
    assert row.job_public_id == job.public_id
    assert path_of(row.public_id).exists()


def test_it_goes_when_its_time_is_over(row: TerminalRecording, settings: Any) -> None:
    file_with(row, HEADER)
    ended(row)
    now = timezone.now()
    assert records.purge(now) == 0
    assert path_of(row.public_id).exists()
    assert records.purge(now + timedelta(seconds=settings.TERMINAL_RECORDING_KEEP_SECONDS + 1)) == 1
    assert not path_of(row.public_id).exists()
    assert not TerminalRecording.objects.exists()


def test_the_periodic_tasks_do_both(row: TerminalRecording, session: TerminalSession, settings: Any) -> None:
    settings.TERMINAL_RECORDING_KEEP_SECONDS = 0
    file_with(row, HEADER)
    end_session(session, 120)
    tasks.end_terminals()
    tasks.purge()
    assert not TerminalRecording.objects.exists()
    assert not path_of(row.public_id).exists()


def test_an_open_one_never_goes(row: TerminalRecording) -> None:
    TerminalRecording.objects.update(started_at=timezone.now() - timedelta(days=4000))
    assert records.purge(timezone.now()) == 0


def test_one_whose_file_cannot_be_removed_is_not_forgotten_and_holds_up_no_other(
    row: TerminalRecording, session: TerminalSession, settings: Any, recording_dir: Path
) -> None:
    settings.TERMINAL_RECORDING_KEEP_SECONDS = 0
    path_of(row.public_id).mkdir(parents=True)  # what cannot be unlinked
    ended(row)
    TerminalRecording.objects.filter(pk=row.pk).update(session=None)
    other = ended(records.create(session, session.job, session.pod, "on"))
    file_with(other, HEADER)
    assert records.purge(timezone.now()) == 1
    assert [kept.pk for kept in TerminalRecording.objects.all()] == [row.pk]
    path_of(row.public_id).rmdir()
    assert records.purge(timezone.now()) == 1
