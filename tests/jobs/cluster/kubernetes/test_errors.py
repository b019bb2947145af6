"""What an API server's answers mean."""

import json

import pytest

from jobs.cluster.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from jobs.cluster.kubernetes.errors import LONGEST, Expired, of_status, refused, unreachable


def status(code: int, message: str = "the server's own words", **more: str) -> bytes:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, **more}
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Invalid),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, Expired),
        (413, Invalid),
        (422, Invalid),
        (408, Unavailable),
        (418, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
def test_a_status_becomes_one_of_ours_with_its_words_kept(code: int, kind: type[Exception]) -> None:
    error = refused(code, status(code))
    assert type(error) is kind
    assert str(error) == "the server's own words"


@pytest.mark.parametrize("code", [400, 404, 409, 413, 422])
@pytest.mark.parametrize(
    "body", [b"", b"404 page not found\n", b"<html>nginx</html>", b'{"kind": "Pod"}', b"{", b"\xff"]
)
def test_without_a_status_object_nothing_is_final(code: int, body: bytes) -> None:
    assert type(refused(code, body)) is Unavailable


def test_a_refusal_without_a_word_is_a_refusal() -> None:
    """Exec without the right to create is a 403 with an empty reason (Exec 1)."""
    error = refused(403, b"", "GET pods/exec")
    assert type(error) is Forbidden
    assert str(error) == "HTTP 403 without a word to GET pods/exec"


def test_an_answer_of_something_in_between_is_quoted() -> None:
    assert str(refused(502, b"Bad\r\n Gateway\x00")) == "HTTP 502: Bad Gateway"


def test_a_very_long_message_is_cut() -> None:
    """A refused template is told at great length (Jobs 6)."""
    assert len(str(refused(422, status(422, "x" * 10_000)))) == LONGEST


def test_an_expired_version_may_come_with_a_200() -> None:
    """As a watch's ERROR event (Watch and logs)."""
    assert type(of_status(status(410, reason="Expired"))) is Expired
    assert of_status(b'{"kind": "Pod", "metadata": {}}') is None


def test_no_answer_names_the_address() -> None:
    error = unreachable(TimeoutError(), "https://10.0.0.1:6443")
    assert type(error) is Unavailable
    assert str(error) == "no answer from https://10.0.0.1:6443: TimeoutError"
