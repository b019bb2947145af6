from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.models import AuditEntry, Job, Pod, TerminalSession, TerminalTicket
from tests.api_client import ApiClient, details, error
from tests.jobs.terminal.pods import running_pod


@pytest.fixture
def pod(job: Job) -> Pod:
    return running_pod(job)


@pytest.fixture
def session(pod: Pod, bob: User) -> TerminalSession:
    return TerminalSession.objects.create(user=bob, job=pod.job, pod=pod)


def path(session: TerminalSession, one: bool = True) -> str:
    return f"/api/jobs/{session.job.public_id}/terminal-sessions" + (f"/{session.pk}" if one else "")


def listed(user: User, session: TerminalSession) -> list[dict[str, Any]]:
    response = ApiClient(user).get(path(session, one=False))
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["data"]["sessions"]
    return found


def test_the_owner_sees_what_it_may_come_back_to(bob: User, session: TerminalSession) -> None:
    TerminalSession.objects.create(user=bob, job=session.job, pod=session.pod, ended_at=timezone.now())
    (found,) = listed(bob, session)
    assert found["sessionId"] == str(session.pk)
    assert (found["podName"], found["user"], found["mine"]) == (session.pod.name, "bob", True)
    assert (found["attached"], found["detachedAt"], found["watchable"]) == (True, None, False)
    assert (found["mayAttach"], found["mayWatch"], found["mayEnd"]) == (True, False, True)


def test_it_says_until_when_it_waits(bob: User, session: TerminalSession, settings: Any) -> None:
    settings.TERMINAL_DETACHED_SECONDS = 600
    now = timezone.now().replace(microsecond=0)
    TerminalSession.objects.update(detached_at=now)
    (found,) = listed(bob, session)
    assert found["attached"] is False
    assert found["closesAt"] == (now + timedelta(seconds=600)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_admin_sees_all_and_may_end_them(alice: User, session: TerminalSession) -> None:
    (found,) = listed(alice, session)
    assert (found["mine"], found["mayAttach"], found["mayWatch"], found["mayEnd"]) == (False, False, False, True)


def test_others_see_those_they_may_watch(charlie: User, session: TerminalSession) -> None:
    assert listed(charlie, session) == []
    TerminalSession.objects.update(watchable=True)
    (found,) = listed(charlie, session)
    assert (found["mayAttach"], found["mayWatch"], found["mayEnd"]) == (False, True, False)


def test_a_foreign_project_s_terminals_are_not_there(mallory: User, session: TerminalSession) -> None:
    client = ApiClient(mallory)
    for response in (
        client.get(path(session, one=False)),
        client.delete(path(session)),
        client.call("PATCH", path(session), {"watchable": True}),
    ):
        assert error(response) == (404, "JOB_NOT_FOUND")


def test_ending_one_is_asked_of_its_server_and_audited(bob: User, alice: User, session: TerminalSession) -> None:
    assert ApiClient(bob).delete(path(session)).status_code == 200
    session.refresh_from_db()
    assert (session.end_request, session.ended_at) == ("ended", None)
    TerminalSession.objects.update(end_request="")
    assert ApiClient(alice).delete(path(session)).status_code == 200
    session.refresh_from_db()
    assert session.end_request == "killed"
    entries = AuditEntry.objects.filter(action="terminal.end").order_by("pk")
    assert [(entry.actor, entry.detail["session"]) for entry in entries] == [(bob, session.pk), (alice, session.pk)]


def test_others_may_not_end_one(charlie: User, session: TerminalSession) -> None:
    TerminalSession.objects.update(watchable=True)
    assert error(ApiClient(charlie).delete(path(session))) == (403, "PERMISSION_DENIED")
    session.refresh_from_db()
    assert session.end_request == ""


def test_only_the_owner_lets_others_watch(bob: User, alice: User, session: TerminalSession) -> None:
    response = ApiClient(bob).call("PATCH", path(session), {"watchable": True})
    assert response.json()["data"]["watchable"] is True
    assert AuditEntry.objects.get(action="terminal.watchable").detail == {"session": session.pk, "watchable": True}
    assert error(ApiClient(alice).call("PATCH", path(session), {"watchable": False})) == (403, "PERMISSION_DENIED")
    assert list(details(ApiClient(bob).call("PATCH", path(session), {"watchable": "yes"}))) == ["watchable"]
    assert list(details(ApiClient(bob).call("PATCH", path(session), {}))) == ["watchable"]


@pytest.mark.parametrize("wrong", ["0", "x", "-1", "9" * 30, "１", "%00"])
def test_one_that_is_not_there(bob: User, session: TerminalSession, wrong: str) -> None:
    base = path(session, one=False)
    assert error(ApiClient(bob).delete(f"{base}/{wrong}")) == (404, "TERMINAL_SESSION_NOT_FOUND")


def test_one_that_has_ended_is_not_there(bob: User, session: TerminalSession) -> None:
    TerminalSession.objects.update(ended_at=timezone.now())
    assert error(ApiClient(bob).delete(path(session))) == (404, "TERMINAL_SESSION_NOT_FOUND")
    assert error(ApiClient(bob).get(ticket_path(session))) == (404, "TERMINAL_SESSION_NOT_FOUND")


def ticket_path(session: TerminalSession, more: str = "") -> str:
    pod = session.pod.name
    return f"/api/jobs/{session.job.public_id}/pods/{pod}/webterminal?sessionId={session.pk}{more}"


def test_a_ticket_to_come_back(bob: User, session: TerminalSession) -> None:
    assert ApiClient(bob).get(ticket_path(session)).status_code == 200
    ticket = TerminalTicket.objects.get()
    assert (ticket.session, ticket.watch) == (session, False)


def test_nobody_comes_back_to_another_s(alice: User, session: TerminalSession) -> None:
    assert error(ApiClient(alice).get(ticket_path(session))) == (403, "PERMISSION_DENIED")


def test_a_ticket_to_watch_needs_the_owner_s_word(charlie: User, session: TerminalSession) -> None:
    watch = ticket_path(session, "&watch=true")
    assert error(ApiClient(charlie).get(watch)) == (403, "PERMISSION_DENIED")
    TerminalSession.objects.update(watchable=True)
    assert ApiClient(charlie).get(watch).status_code == 200
    assert TerminalTicket.objects.get().watch
    assert error(ApiClient(charlie).get(ticket_path(session))) == (403, "PERMISSION_DENIED")


def test_watch_is_true_or_false_and_goes_with_a_session(bob: User, session: TerminalSession) -> None:
    assert list(details(ApiClient(bob).get(ticket_path(session, "&watch=1")))) == ["watch"]
    alone = ticket_path(session).partition("?")[0] + "?watch=true"
    assert list(details(ApiClient(bob).get(alone))) == ["watch"]


def test_the_list_takes_as_many_queries_for_many(
    bob: User, session: TerminalSession, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for _ in range(20):
        TerminalSession.objects.create(user=bob, job=session.job, pod=session.pod)
    with django_assert_max_num_queries(6):
        assert len(listed(bob, session)) == 21
