import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Membership, User
from jobs.models import AuditEntry, Job, Pod, TerminalTicket
from jobs.services import Origin
from jobs.terminal import tickets
from jobs.terminal.protocol import Ending
from jobs.terminal.tickets import TicketRefused
from tests.conftest import PASSWORD
from tests.jobs.terminal.pods import running_pod, token_key


@pytest.fixture
def pod(job: Job) -> Pod:
    return running_pod(job)


def issue(user: User, pod: Pod, key: str | None = None) -> str:
    return tickets.issue(
        user=user,
        job=pod.job,
        pod=pod,
        session_key=token_key(user) if key is None else key,
        origin=Origin(address="192.0.2.7", request_id="r-1"),
    )


def refused(token: str) -> Ending:
    with pytest.raises(TicketRefused) as refusal:
        tickets.redeem(token, now=timezone.now())
    return refusal.value.ending


def test_a_ticket_opens_once(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    ticket = tickets.redeem(token, now=timezone.now())
    assert (ticket.user, ticket.job, ticket.pod, ticket.pod_uid) == (bob, pod.job, pod, "uid-1")
    assert refused(token) is Ending.TICKET_INVALID


def test_it_has_256_bits_and_only_its_hash_is_kept(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    assert len(token) == 43
    row = TerminalTicket.objects.values().get()
    assert token not in str(row)
    assert len(row["digest"]) == 64


def test_it_expires(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    expires_at = TerminalTicket.objects.get().expires_at
    assert timedelta(seconds=59) < expires_at - timezone.now() <= timedelta(seconds=60)
    with pytest.raises(TicketRefused):
        tickets.redeem(token, now=expires_at)
    assert tickets.redeem(token, now=expires_at - timedelta(milliseconds=1))


def test_it_is_in_the_audit(bob: User, pod: Pod) -> None:
    issue(bob, pod)
    entry = AuditEntry.objects.get(action="terminal.ticket")
    assert (entry.actor, entry.object_id, entry.detail) == (bob, pod.job.public_id, {"pod": pod.name})
    assert (entry.address, entry.request_id) == ("192.0.2.7", "r-1")


def test_no_audit_no_ticket(bob: User, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(tickets, "audit", full)
    with pytest.raises(OSError, match="disk full"):
        issue(bob, pod)
    assert not TerminalTicket.objects.exists()


def test_expired_tickets_are_removed_in_passing(bob: User, pod: Pod) -> None:
    issue(bob, pod)
    TerminalTicket.objects.update(expires_at=timezone.now())
    issue(bob, pod)
    assert TerminalTicket.objects.count() == 1


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "训练", "\ud800", "vtiOyhWf6Asv0PLKXM5CXFa8IcExVq6mszaNOMmHfe8"])
def test_an_unknown_token_is_refused(token: str, bob: User, pod: Pod) -> None:
    issue(bob, pod)
    assert refused(token) is Ending.TICKET_INVALID


def test_a_disabled_user_is_refused(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert refused(token) is Ending.NOT_ALLOWED


def test_a_user_who_lost_the_role_is_refused(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    Membership.objects.filter(user=bob).update(role="viewer")
    assert refused(token) is Ending.NOT_ALLOWED


def test_a_user_who_left_the_project_is_refused(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    Membership.objects.filter(user=bob).delete()
    assert refused(token) is Ending.NOT_ALLOWED


def test_a_revoked_access_token_is_refused(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    ApiToken.objects.update(revoked_at=timezone.now())
    assert refused(token) is Ending.NOT_ALLOWED


def test_a_log_in_of_somebody_else_is_refused(alice: User, bob: User, pod: Pod) -> None:
    assert refused(issue(bob, pod, token_key(alice))) is Ending.NOT_ALLOWED


def test_no_log_in_is_refused(bob: User, pod: Pod) -> None:
    assert refused(issue(bob, pod, "")) is Ending.NOT_ALLOWED


def test_a_session_that_logged_out_is_refused(bob: User, pod: Pod) -> None:
    client = Client()
    client.force_login(bob)
    key = f"session:{client.session.session_key}"
    assert tickets.redeem(issue(bob, pod, key), now=timezone.now())
    token = issue(bob, pod, key)
    client.logout()
    assert refused(token) is Ending.NOT_ALLOWED


def test_a_session_from_before_a_new_password_is_refused(bob: User, pod: Pod) -> None:
    client = Client()
    client.force_login(bob)
    token = issue(bob, pod, f"session:{client.session.session_key}")
    bob.set_password(PASSWORD + "!")
    bob.save()
    assert refused(token) is Ending.NOT_ALLOWED


def test_a_deleted_job_is_refused(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    Job.objects.update(deleted_at=timezone.now())
    assert refused(token) is Ending.POD_GONE


def test_another_pod_in_its_place_is_refused(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    Pod.objects.update(uid="uid-2")
    assert refused(token) is Ending.POD_GONE


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Pending", "Unknown"])
def test_a_pod_that_does_not_run_is_refused(phase: str, bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    Pod.objects.update(phase=phase)
    assert refused(token) is Ending.POD_ENDED


def test_the_token_is_never_logged(bob: User, pod: Pod, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = issue(bob, pod)
        with pytest.raises(TicketRefused) as refusal:
            tickets.redeem(token + "x", now=timezone.now())
        tickets.redeem(token, now=timezone.now())
    assert token not in caplog.text
    assert token not in repr(refusal.value)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_wins(bob: User, pod: Pod) -> None:
    token = issue(bob, pod)
    together = threading.Barrier(20)

    def race(_: int) -> bool:
        together.wait()
        try:
            tickets.redeem(token, now=timezone.now())
        except TicketRefused as refusal:
            assert refusal.ending is Ending.TICKET_INVALID
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(race, range(20))) == 1
