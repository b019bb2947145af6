"""Operators find recordings, and download them whether their jobs are there or not; each download is audited."""

from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient

from accounts.models import Project, User
from jobs.models import AuditEntry, Job, Queue, TerminalRecording
from jobs.terminal.broker import in_thread
from jobs.terminal.recording.files import RecordingFile
from tests.admin_site import logged_in, make_job, page_url
from tests.conftest import make_user

HEADER = b'{"version": 2, "width": 80, "height": 24}\n'
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def row(project: Project, bob: User, queue: Queue, settings: Any, tmp_path: Path) -> TerminalRecording:
    settings.RECORDING_DIR = tmp_path
    make_job(project, bob, queue)
    row = TerminalRecording.objects.get()
    RecordingFile(row.public_id, HEADER, 1 << 20).close()
    return row


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root")


def file_url(row: TerminalRecording) -> str:
    return page_url(TerminalRecording, "file", row.pk)


def test_it_is_found_by_its_job_and_its_state(row: TerminalRecording, root: User) -> None:
    client, url = logged_in(root), page_url(TerminalRecording, "changelist")
    assert file_url(row) in client.get(url, {"q": row.job_public_id}).content.decode()
    assert file_url(row) in client.get(url, {"state__exact": "open"}).content.decode()
    assert file_url(row) not in client.get(url, {"state__exact": "complete"}).content.decode()
    assert f"/recordings/{row.public_id}" in client.get(page_url(TerminalRecording, "change", row.pk)).content.decode()


async def test_an_operator_downloads_it_though_its_job_is_gone(row: TerminalRecording, root: User) -> None:
    await in_thread(Job.objects.all().delete)
    client = AsyncClient()
    await client.aforce_login(root, backend="django.contrib.auth.backends.ModelBackend")
    response = await client.get(file_url(row))
    assert b"".join([piece async for piece in response.streaming_content]) == HEADER
    entry = await in_thread(lambda: AuditEntry.objects.get(action="terminal.recording"))
    assert (entry.actor_name, entry.object_id, entry.detail) == (
        "root", row.job_public_id, {"recording": row.public_id},
    )  # fmt: skip


def test_nobody_else_does(row: TerminalRecording, alice: User) -> None:
    staff = make_user("staff")
    staff.is_staff = True
    staff.save()
    assert logged_in(alice).get(file_url(row)).status_code == 302
    assert logged_in(staff).get(file_url(row)).status_code == 403
    assert not AuditEntry.objects.filter(action="terminal.recording").exists()


def test_one_without_a_file_is_not_found(row: TerminalRecording, root: User, tmp_path: Path) -> None:
    client = logged_in(root)
    for path in tmp_path.rglob("*.cast"):
        path.unlink()
    assert client.get(file_url(row)).status_code == 404
    assert client.get(page_url(TerminalRecording, "file", 10**9)).status_code == 404
