"""Recordings of terminals: listed and handed out to who may open one in the job, each time audited."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient

from accounts import logins
from accounts.models import Membership, RecordingPolicy, User
from jobs.models import AuditEntry, Job, Pod, TerminalRecording, TerminalSession
from jobs.terminal.broker import in_thread
from jobs.terminal.recording import reading, records
from jobs.terminal.recording.files import RecordingFile, path_of
from tests.api_client import ApiClient, error
from tests.jobs.terminal.pods import running_pod, token_key

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = b'{"version": 2, "width": 80, "height": 24}\n'
EVENTS = b'[0.5, "o", "$ "]\n[2.25, "o", "ls\\r\\n"]\n'


@pytest.fixture(autouse=True)
def recording_dir(settings: Any, tmp_path: Path) -> None:
    settings.RECORDING_DIR = tmp_path


@pytest.fixture
def pod(job: Job) -> Pod:
    return running_pod(job)


@pytest.fixture
def row(job: Job, pod: Pod) -> TerminalRecording:
    return recorded(job, pod, HEADER + EVENTS)


def recorded(job: Job, pod: Pod, text: bytes) -> TerminalRecording:
    session = TerminalSession.objects.create(user=job.owner, job=job, pod=pod)
    row = records.create(session, job, pod, RecordingPolicy.ON)
    RecordingFile(row.public_id, text, 1 << 20).close()
    return row


def url(row: TerminalRecording) -> str:
    return f"/api/jobs/{row.job_public_id}/recordings/{row.public_id}"


def listed(user: User, job: Job) -> Any:
    response = ApiClient(user).get(f"/api/jobs/{job.public_id}/recordings")
    assert response.status_code == 200, response.content
    return response.json()["data"]["recordings"]


async def download(user: User, row: TerminalRecording) -> tuple[bytes, Any]:
    access = await in_thread(lambda: logins.begin(user).access)
    response = await AsyncClient().get(url(row), headers={"authorization": f"Bearer {access}"})
    assert response.status_code == 200
    return b"".join([piece async for piece in response.streaming_content]), response


def test_the_list_is_the_newest_first(bob: User, job: Job, pod: Pod, row: TerminalRecording) -> None:
    records.finish(row.pk, "complete", records.measured(row.public_id), 7, row.started_at)
    newer = recorded(job, pod, HEADER)
    first, second = listed(bob, job)
    assert (first["recordingId"], first["state"]) == (newer.public_id, "open")
    assert (first["endedAt"], first["durationSeconds"], first["sizeBytes"]) == (None, None, None)
    assert second == {
        "recordingId": row.public_id, "sessionId": str(row.session_id), "podName": pod.name, "user": "bob",
        "policy": "on", "state": "complete", "startedAt": second["startedAt"], "endedAt": second["startedAt"],
        "durationSeconds": 2.25, "sizeBytes": len(HEADER + EVENTS), "leftOutBytes": 7,
    }  # fmt: skip


def test_the_list_costs_the_same_however_long_it_is(
    bob: User, job: Job, pod: Pod, row: TerminalRecording, django_assert_num_queries: Any
) -> None:
    client = ApiClient(bob)
    client.get(f"/api/jobs/{job.public_id}/recordings")
    for _ in range(5):
        recorded(job, pod, HEADER)
    with django_assert_num_queries(5):
        client.get(f"/api/jobs/{job.public_id}/recordings")


async def test_a_download_is_the_file_and_is_audited(bob: User, row: TerminalRecording) -> None:
    text, response = await download(bob, row)
    assert text == HEADER + EVENTS
    assert response["Content-Type"] == "application/x-asciicast"
    assert response["Content-Length"] == str(len(text))
    assert response["Content-Disposition"] == f'attachment; filename="{row.pod_name}-{row.public_id}.cast"'
    assert response["Cache-Control"] == "no-store"
    entry = await in_thread(lambda: AuditEntry.objects.get(action="terminal.recording"))
    assert (entry.actor_name, entry.object_id) == ("bob", row.job_public_id)
    assert entry.detail == {"recording": row.public_id}


async def test_a_torn_last_line_is_left_out(bob: User, row: TerminalRecording) -> None:
    with path_of(row.public_id).open("ab") as file:
        file.write(b'[3.0, "o", "half')
    text, _response = await download(bob, row)
    assert text == HEADER + EVENTS


async def test_a_long_one_comes_in_pieces(bob: User, row: TerminalRecording) -> None:
    line = json.dumps([3.0, "o", "x" * 1000]).encode() + b"\n"
    with path_of(row.public_id).open("ab") as file:
        file.write(line * 2000)
    text, _response = await download(bob, row)
    assert text == HEADER + EVENTS + line * 2000


def test_who_may_not_open_a_terminal_sees_none(charlie: User, mallory: User, job: Job, row: TerminalRecording) -> None:
    for path in (f"/api/jobs/{job.public_id}/recordings", url(row)):
        assert error(ApiClient(charlie).get(path)) == (403, "PERMISSION_DENIED")
        assert error(ApiClient(mallory).get(path)) == (404, "JOB_NOT_FOUND")
        assert error(ApiClient().get(path)) == (401, "NOT_AUTHENTICATED")
    assert not AuditEntry.objects.filter(action="terminal.recording").exists()


def test_an_admin_of_the_project_sees_everybodys(alice: User, job: Job, row: TerminalRecording) -> None:
    assert [one["user"] for one in listed(alice, job)] == ["bob"]


@pytest.mark.parametrize("recording_id", ["rec-0000000000000000", "rec-1", "1", "..%5c..", "%00"])
def test_one_that_is_not_there(bob: User, job: Job, recording_id: str) -> None:
    path = f"/api/jobs/{job.public_id}/recordings/{recording_id}"
    assert error(ApiClient(bob).get(path)) == (404, "RECORDING_NOT_FOUND")


def test_another_jobs_recording_is_not_this_ones(bob: User, job: Job, row: TerminalRecording) -> None:
    TerminalRecording.objects.update(job_public_id="job-0000000000000000")
    path = f"/api/jobs/{job.public_id}/recordings/{row.public_id}"
    assert error(ApiClient(bob).get(path)) == (404, "RECORDING_NOT_FOUND")


@pytest.mark.parametrize("text", [None, b"", b'{"version"'])
def test_one_without_a_beginning_is_as_good_as_none(bob: User, row: TerminalRecording, text: bytes | None) -> None:
    path_of(row.public_id).unlink()
    if text is not None:
        path_of(row.public_id).write_bytes(text)
    assert error(ApiClient(bob).get(url(row))) == (404, "RECORDING_NOT_FOUND")


async def test_a_slow_reader_who_lost_the_right_is_cut_off(bob: User, row: TerminalRecording, settings: Any) -> None:
    settings.AUTHORITY_CHECK_SECONDS = 0
    key = await in_thread(lambda: token_key(bob))
    os.truncate(path_of(row.public_id), 3 * reading.PIECE)
    pieces = reading.pieces(row, 3 * reading.PIECE, key, reading.may_read_of(await in_thread(lambda: row.session.job)))
    assert len(await anext(pieces)) == reading.PIECE
    assert len(await anext(pieces)) == reading.PIECE
    await in_thread(lambda: Membership.objects.filter(user=bob).delete())
    with pytest.raises(reading.AccessEnded):
        await anext(pieces)
