"""Log-in, log-out, language, error pages."""

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD
from tests.jobs.dashboard.conftest import Browse


def log_in(client: Client, user: str, password: str, **more: str) -> object:
    return client.post("/login", {"username": user, "password": password, **more})


def test_it_logs_in_and_goes_where_one_wanted(bob: User) -> None:
    response = Client().post("/login", {"username": "bob", "password": PASSWORD, "next": "/account"})
    assert response["Location"] == "/account"


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "javascript:alert(1)"])
def test_it_goes_nowhere_else(target: str, bob: User) -> None:
    response = Client().post("/login", {"username": "bob", "password": PASSWORD, "next": target})
    assert response["Location"] == "/"


def test_a_wrong_password_keeps_the_name_and_says_what_to_do(bob: User) -> None:
    response = Client(headers={"accept-language": "en"}).post("/login", {"username": "bob", "password": "wrong-canary"})
    page = response.content.decode()
    assert 'value="bob"' in page
    assert "The user name or the password is wrong" in page
    assert "wrong-canary" not in page


def test_too_many_wrong_passwords_are_told_why_and_for_how_long(bob: User) -> None:
    client = Client(headers={"accept-language": "en"})
    for _attempt in range(settings.AXES_FAILURE_LIMIT):
        response = client.post("/login", {"username": "bob", "password": "wrong"})
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= settings.AXES_COOLOFF_TIME.total_seconds()
    response = client.post("/login", {"username": "bob", "password": PASSWORD})
    page = response.content.decode()
    assert response.status_code == 429
    assert f"after {settings.AXES_FAILURE_LIMIT} wrong passwords" in page
    assert "Try again in" in page


def test_log_out_ends_the_session(bob: User, browse: Browse) -> None:
    client = browse(bob)
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/").status_code == 302


def test_log_out_by_a_link_does_nothing(bob: User, browse: Browse) -> None:
    client = browse(bob)
    assert client.get("/logout").status_code == 405
    assert client.get("/").status_code == 200


def test_pages_speak_chinese_unless_the_browser_prefers_english(bob: User, browse: Browse) -> None:
    assert '<html lang="zh-Hans"' in browse(bob, "zh-CN").get("/").content.decode()
    assert '<html lang="zh-Hans"' in browse(bob, "fr").get("/").content.decode()
    assert '<html lang="en"' in browse(bob, "en-GB").get("/").content.decode()


def test_a_chosen_language_stays_with_the_user(bob: User, browse: Browse) -> None:
    client = browse(bob, "zh-CN")
    assert client.post("/language", {"language": "en", "next": "/account"})["Location"] == "/account"
    assert '<html lang="en"' in client.get("/").content.decode()
    elsewhere = Client(headers={"accept-language": "zh-CN"})
    elsewhere.post("/login", {"username": "bob", "password": PASSWORD})
    assert '<html lang="en"' in elsewhere.get("/").content.decode()


def test_a_user_may_leave_the_language_to_the_browser_again(bob: User, browse: Browse) -> None:
    client = browse(bob, "zh-CN")
    client.post("/language", {"language": "en"})
    client.post("/language", {"language": ""})
    bob.refresh_from_db()
    assert bob.language == ""
    assert '<html lang="zh-Hans"' in client.get("/").content.decode()


def test_an_unknown_language_changes_nothing(bob: User, browse: Browse) -> None:
    client = browse(bob, "en")
    client.post("/language", {"language": "../../etc"})
    bob.refresh_from_db()
    assert bob.language == ""
    assert '<html lang="en"' in client.get("/").content.decode()


def test_a_stranger_may_choose_a_language_at_the_log_in(db: None) -> None:
    client = Client(headers={"accept-language": "zh-CN"})
    client.post("/language", {"language": "en", "next": "/login"})
    assert '<html lang="en"' in client.get("/login").content.decode()


def test_an_unknown_address_says_where_to_start(bob: User, browse: Browse) -> None:
    response = browse(bob).get("/nowhere")
    assert response.status_code == 404
    assert "start from the job list" in response.content.decode()


def test_a_failure_of_the_platform_is_a_page_that_says_so(
    bob: User, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("canary-in-the-traceback")

    monkeypatch.setattr("jobs.dashboard.views.listing.shown", fail)
    client = browse(bob)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "The platform made a mistake" in response.content.decode()
    assert "canary" not in response.content.decode()


@pytest.mark.parametrize(("theme", "kept"), [("dark", "dark"), ("light", "light"), ("", ""), ("pink", "dark")])
def test_the_theme_is_kept_with_the_user_and_comes_along(theme: str, kept: str, bob: User, browse: Browse) -> None:
    User.objects.filter(pk=bob.pk).update(theme="dark")
    client = browse(bob)
    assert client.post("/theme", {"theme": theme})["Location"] == "/account"
    bob.refresh_from_db()
    assert bob.theme == kept
    fresh = Client()
    fresh.post("/login", {"username": "bob", "password": PASSWORD})
    assert (fresh.cookies["theme"].value if "theme" in fresh.cookies else "") == kept
