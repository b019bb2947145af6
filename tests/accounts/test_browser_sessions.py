"""The log-ins of the pages: listed for their owner, ended one by one or all but this one."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import browser_sessions
from accounts.models import BrowserSession, User
from accounts.purge import purge_expired
from accounts.user_agents import in_words
from jobs.models import AuditEntry
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36 Edg/143.0"


def log_in(user: User, agent: str = FIREFOX) -> Client:
    client = Client(headers={"accept-language": "en", "user-agent": agent})
    client.post("/login", {"username": user.username, "password": PASSWORD})
    return client


def row_of(client: Client) -> BrowserSession:
    return BrowserSession.objects.get(session_key=client.session.session_key)


def test_the_page_lists_each_browser_and_no_key(bob: User, alice: User) -> None:
    here, there = log_in(bob), log_in(bob, EDGE)
    log_in(alice, "Alice's own browser")
    page = here.get("/account").content.decode()
    assert page.count("this browser") == 1
    assert "Firefox · Linux" in page
    assert "Edge · Windows" in page
    assert "Alice's" not in page
    for client in (here, there):
        assert client.session.session_key not in page


def test_ending_one_logs_that_browser_out(bob: User) -> None:
    here, there = log_in(bob), log_in(bob, EDGE)
    assert here.post(f"/account/sessions/{row_of(there).pk}/end").status_code == 302
    assert there.get("/account").status_code == 302
    assert here.get("/account").status_code == 200
    assert list(browser_sessions.listed(bob)) == [row_of(here)]
    assert AuditEntry.objects.get(action="session.end").detail["agent"] == EDGE


def test_ending_all_others_keeps_this_one(bob: User) -> None:
    here, others = log_in(bob), [log_in(bob), log_in(bob)]
    here.post("/account/sessions/end")
    assert [client.get("/account").status_code for client in others] == [302, 302]
    assert here.get("/account").status_code == 200


def test_somebody_elses_session_is_not_there(bob: User, alice: User) -> None:
    there = log_in(alice)
    assert log_in(bob).post(f"/account/sessions/{row_of(there).pk}/end").status_code == 404
    assert there.get("/account").status_code == 200


def test_a_new_password_ends_the_others_here_too(bob: User) -> None:
    here = log_in(bob)
    log_in(bob, EDGE)
    new = "a much better password 7"
    here.post("/account/password", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    page = here.get("/account").content.decode()
    assert "this browser" in page
    assert "Edge" not in page


def test_logging_out_leaves_nothing_behind(bob: User) -> None:
    client = log_in(bob)
    client.post("/logout")
    assert not browser_sessions.listed(bob).exists()
    purge_expired(timezone.now())
    assert not BrowserSession.objects.exists()


def test_purging_keeps_what_is_open(bob: User) -> None:
    client = log_in(bob)
    purge_expired(timezone.now())
    assert row_of(client).user == bob
    purge_expired(timezone.now() + timedelta(days=15))
    assert not BrowserSession.objects.exists()


def test_it_is_written_once_in_a_while(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = log_in(bob)
    before = row_of(client).seen_at
    client.get("/account")
    assert row_of(client).seen_at == before
    monkeypatch.setattr(browser_sessions, "STEP_SECONDS", -1)
    client.get("/account")
    assert row_of(client).seen_at > before


def test_an_api_client_has_no_session(bob: User) -> None:
    Client().post("/api/auth/token", {"username": "bob", "password": PASSWORD}, content_type="application/json")
    assert not BrowserSession.objects.exists()


@pytest.mark.parametrize(("agent", "words"), [(FIREFOX, "Firefox · Linux"), ("curl/8.5", "curl/8.5"), ("", "")])
def test_a_browser_is_told_in_words(agent: str, words: str) -> None:
    assert in_words(agent) == words
