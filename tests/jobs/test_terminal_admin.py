"""Operators see open terminals and end them."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs.models import AuditEntry, Job, TerminalSession
from tests.admin_site import logged_in, page_url
from tests.jobs.terminal.pods import running_pod


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def session(job: Job, bob: User) -> TerminalSession:
    return TerminalSession.objects.create(user=bob, job=job, pod=running_pod(job))


def end(client: Client, *chosen: TerminalSession, confirmed: bool = True) -> str:
    data: dict[str, Any] = {"action": "end_terminals", "_selected_action": [session.pk for session in chosen]}
    if confirmed:
        data["confirmed"] = "yes"
    response = client.post(page_url(TerminalSession, "changelist"), data, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_list_tells_open_ones_from_others(root: User, session: TerminalSession) -> None:
    ended = TerminalSession.objects.create(
        user=session.user, job=session.job, pod=session.pod, ended_at=timezone.now(), end_reason="exited"
    )
    client, url = logged_in(root), page_url(TerminalSession, "changelist")
    for query, shown in (("", [session, ended]), ("?open=1", [session]), ("?open=0", [ended]), ("?open=detached", [])):
        rows = client.get(url + query).context["cl"].result_list
        assert sorted(row.pk for row in rows) == [row.pk for row in shown], query


def test_it_asks_first_with_the_names(root: User, session: TerminalSession) -> None:
    content = end(logged_in(root), session, confirmed=False)
    assert session.pod.name in content
    assert 'name="confirmed" value="yes"' in content
    session.refresh_from_db()
    assert session.end_request == ""


def test_it_is_asked_of_the_server_in_the_operator_s_name(root: User, session: TerminalSession) -> None:
    end(logged_in(root), session)
    session.refresh_from_db()
    assert session.end_request == "killed"
    entry = AuditEntry.objects.get(action="terminal.end")
    assert (entry.actor, entry.object_id, entry.address) == (root, session.job.public_id, "127.0.0.1")


def test_one_that_has_ended_stays_as_it_is(root: User, session: TerminalSession) -> None:
    TerminalSession.objects.update(ended_at=timezone.now(), end_reason="exited")
    end(logged_in(root), session)
    session.refresh_from_db()
    assert (session.end_request, session.end_reason) == ("", "exited")
    assert not AuditEntry.objects.filter(action="terminal.end").exists()


def test_staff_without_all_rights_may_not(session: TerminalSession) -> None:
    helper = User.objects.create_user("helper", is_staff=True)
    response = logged_in(helper).post(
        page_url(TerminalSession, "changelist"),
        {"action": "end_terminals", "_selected_action": [session.pk], "confirmed": "yes"},
    )
    assert response.status_code == 403
    session.refresh_from_db()
    assert session.end_request == ""
