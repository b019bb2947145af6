"""The job's page lists recordings for who may enter its pods, and each has a page that plays it."""

from typing import Any

import pytest

from accounts.models import Project, User
from jobs.models import Job, Pod, TerminalRecording, TerminalSession
from jobs.terminal.recording import records
from tests.jobs.dashboard.conftest import Browse

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(running: Job) -> TerminalRecording:
    session = TerminalSession.objects.create(user=running.owner, job=running, pod=Pod.objects.filter(job=running)[0])
    return records.create(session, running, session.pod, "on")


def page_of(row: TerminalRecording) -> str:
    return f"/jobs/{row.job_public_id}/recordings/{row.public_id}"


def job_page(browse: Browse, user: User, job: Job) -> str:
    return browse(user).get(f"/jobs/{job.public_id}").content.decode()


def test_the_jobs_page_links_to_the_player_and_the_file(bob: User, browse: Browse, row: TerminalRecording) -> None:
    content = job_page(browse, bob, row.session.job)
    assert f'href="{page_of(row)}"' in content
    assert f'href="/api{page_of(row)}" download' in content


def test_who_may_not_enter_the_pods_sees_none_of_it(charlie: User, browse: Browse, row: TerminalRecording) -> None:
    assert "recordings" not in job_page(browse, charlie, row.session.job)
    assert browse(charlie).get(page_of(row)).status_code == 403


def test_a_stranger_finds_nothing(mallory: User, browse: Browse, row: TerminalRecording) -> None:
    assert browse(mallory).get(page_of(row)).status_code == 404


def test_a_page_without_recordings_speaks_of_them_where_the_project_records(
    bob: User, browse: Browse, running: Job
) -> None:
    assert "Recordings" not in job_page(browse, bob, running)
    Project.objects.update(recording="required")
    assert "Terminals of this project are recorded." in job_page(browse, bob, running)


def test_the_player_is_told_where_the_recording_is(bob: User, browse: Browse, row: TerminalRecording) -> None:
    content = browse(bob).get(page_of(row)).content.decode()
    assert f'data-url="/api{page_of(row)}"' in content
    assert row.pod_name in content


def test_the_players_page_may_compile_webassembly_and_no_other_may(
    bob: User, browse: Browse, row: TerminalRecording
) -> None:
    client = browse(bob)
    policy = client.get(page_of(row))["Content-Security-Policy"]
    assert "'wasm-unsafe-eval'" in policy
    assert "'unsafe-eval'" not in policy
    assert "'unsafe-inline'" not in policy
    job = row.job_public_id
    for other in ("/", f"/jobs/{job}", f"/jobs/{job}/pods/{row.pod_name}/terminal", "/admin/login/"):
        assert "wasm" not in client.get(other)["Content-Security-Policy"]


def test_one_that_is_cut_says_so(bob: User, browse: Browse, row: TerminalRecording) -> None:
    TerminalRecording.objects.update(state="limit", left_out_bytes=2048)
    content = browse(bob).get(page_of(row)).content.decode()
    assert "cut at the size limit" in content
    assert "2.0\xa0KB of output are missing" in content


def test_the_page_of_none(bob: User, browse: Browse, running: Job) -> None:
    assert browse(bob).get(f"/jobs/{running.public_id}/recordings/rec-1").status_code == 404


def test_the_list_costs_one_query(
    bob: User, browse: Browse, row: TerminalRecording, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        session = TerminalSession.objects.create(user=bob, job=row.session.job, pod=row.session.pod)
        records.create(session, session.job, session.pod, "on")
    client = browse(bob)
    with django_assert_max_num_queries(11):
        client.get(f"/jobs/{row.job_public_id}")
