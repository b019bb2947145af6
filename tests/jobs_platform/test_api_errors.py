"""Every way to go wrong before a view is reached, in the one envelope."""

import sqlite3

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import UnreadablePostError
from rest_framework import exceptions

from jobs.cluster.errors import Unavailable
from jobs_platform.api.exception_handler import describe
from jobs_platform.api.field_errors import flatten
from tests.api_client import ApiClient, error

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/none", "/api/jobs/x/y/z/w", "/api/auth", "/api/auth/tokens/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path(path, method):
    assert error(ApiClient().call(method, path)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/jobs", "POST"),
        ("DELETE", "/api/jobs", "POST"),
        ("GET", "/api/jobs/create", "POST"),
        ("PUT", "/api/jobs/job-0000000000000000", "GET, DELETE"),
        ("GET", "/api/jobs/job-0000000000000000/stop", "POST"),
        ("POST", "/api/resource-pools", "GET"),
        ("GET", "/api/auth/token", "POST"),
        ("OPTIONS", "/api/auth/me", "GET"),
    ],
)
def test_a_method_that_is_not_there(bob, method, path, allowed):
    response = ApiClient(bob).call(method, path)
    assert error(response) == (405, "METHOD_NOT_ALLOWED")
    assert set(allowed.split(", ")) <= set(response["Allow"].split(", "))


def test_the_request_id_is_the_callers_when_it_is_plain():
    response = ApiClient().get("/api/none", x_request_id="abc-123")
    assert response.json()["requestId"] == response["X-Request-ID"] == "abc-123"


def test_messages_follow_the_readers_language():
    chinese = ApiClient(language="").get("/api/none").json()["message"]
    assert chinese != ApiClient(language="en").get("/api/none").json()["message"] or chinese.isascii()


def test_accept_does_not_matter(bob):
    response = ApiClient(bob).get("/api/auth/me", accept="text/html")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


def locked() -> OperationalError:
    exc = OperationalError("database is locked")
    exc.__cause__ = sqlite3.OperationalError("database is locked")
    exc.__cause__.sqlite_errorname = "SQLITE_BUSY"  # type: ignore[misc]
    return exc


def broken() -> OperationalError:
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(":memory:").execute("SELECT * FROM nowhere")
    exc = OperationalError("no such table")
    exc.__cause__ = caught.value
    return exc


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (Unavailable("no answer"), 503, "POOL_UNAVAILABLE"),
        (OperationalError("connection refused"), 503, "DATABASE_UNAVAILABLE"),
        (locked(), 503, "DATABASE_UNAVAILABLE"),
        (broken(), 500, "INTERNAL_ERROR"),
        (RequestDataTooBig(), 413, "BODY_TOO_LARGE"),
        (SuspiciousOperation(), 400, "VALIDATION_ERROR"),
        (UnreadablePostError(), 400, "VALIDATION_ERROR"),
        (exceptions.Throttled(wait=7.2), 429, "THROTTLED"),
        (ValueError("secret"), 500, "INTERNAL_ERROR"),
    ],
)
def test_each_error_has_its_code(exc, status, code):
    failure = describe(exc)
    assert (failure.status, failure.code) == (status, code)
    assert "secret" not in str(failure.message)
    if status == 429:
        assert failure.headers["Retry-After"] == "8"


def test_an_unexpected_error_is_logged_with_its_traceback_and_told_to_nobody(bob, monkeypatch, caplog):
    def crash(_user: object) -> None:
        raise RuntimeError("internals")

    monkeypatch.setattr("accounts.views.projects_of", crash)
    response = ApiClient(bob).get("/api/auth/me")
    assert error(response) == (500, "INTERNAL_ERROR")
    assert "internals" not in response.content.decode()
    assert "RuntimeError: internals" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("detail", "flat"),
    [
        ({"a": ["x"]}, {"a": ["x"]}),
        ({"a": {"b": ["x"], "c": ["y"]}}, {"a.b": ["x"], "a.c": ["y"]}),
        ({"a": {1: {"b": ["x"]}}}, {"a[1].b": ["x"]}),
        ({"a": [{}, {"b": ["x", "y"]}]}, {"a[1].b": ["x", "y"]}),
        ({"non_field_errors": ["x"]}, {"body": ["x"]}),
        ({"a": {"non_field_errors": ["x"]}}, {"a": ["x"]}),
        (["x"], {"body": ["x"]}),
        ("x", {"body": ["x"]}),
    ],
)
def test_error_paths_are_flat(detail, flat):
    assert flatten(detail) == flat
