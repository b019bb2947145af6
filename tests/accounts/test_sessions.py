"""The pages' fetches: a session cookie with its CSRF token."""

import pytest
from django.test import Client

from tests.api_client import ApiClient, error

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(bob, queue) -> ApiClient:
    http = Client(enforce_csrf_checks=True)
    http.force_login(bob)
    return ApiClient(http=http)


def csrf(page: ApiClient) -> str:
    from django.middleware.csrf import _get_new_csrf_string

    secret = _get_new_csrf_string()
    page.http.cookies["csrftoken"] = secret
    return secret


def test_reading_needs_no_csrf_token(page):
    assert page.get("/api/auth/me").json()["data"]["username"] == "bob"


def test_changing_needs_one(page):
    assert error(page.post("/api/jobs")) == (403, "PERMISSION_DENIED")
    assert page.post("/api/jobs", x_csrftoken=csrf(page)).status_code == 200


def test_a_wrong_csrf_token_is_refused(page):
    csrf(page)
    assert error(page.post("/api/jobs", x_csrftoken="x" * 32)) == (403, "PERMISSION_DENIED")


def test_a_wrong_bearer_token_is_not_made_up_for_by_the_cookie(page):
    assert error(page.get("/api/auth/me", authorization="Bearer x")) == (401, "NOT_AUTHENTICATED")


def test_a_disabled_users_session_is_over(page, bob):
    bob.is_active = False
    bob.save()
    assert error(page.get("/api/auth/me")) == (401, "NOT_AUTHENTICATED")


def test_a_new_password_ends_the_session(page, bob):
    bob.set_password("another password")
    bob.save()
    assert error(page.get("/api/auth/me")) == (401, "NOT_AUTHENTICATED")


def test_logout_ends_the_session(page):
    assert page.post("/api/auth/logout", x_csrftoken=csrf(page)).status_code == 200
    assert error(page.get("/api/auth/me")) == (401, "NOT_AUTHENTICATED")
