from typing import Any

import pytest

from jobs.consumers.handshake import origin_is_ours, request_of

HOST = (b"host", b"jobs.example:8080")


def scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "websocket", "path": "/x", "headers": [HOST, *headers], "client": ["192.0.2.7", 4711]}


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["jobs.example"]
    settings.PUBLIC_URL = ""


def test_it_reads_address_cookies_and_headers() -> None:
    request = request_of(scope((b"cookie", b"sessionid=abc; theme=dark"), (b"accept-language", b"en")))
    assert request.META["REMOTE_ADDR"] == "192.0.2.7"
    assert request.COOKIES == {"sessionid": "abc", "theme": "dark"}
    assert request.headers["Accept-Language"] == "en"


def test_a_unix_socket_has_no_address() -> None:
    assert request_of({**scope(), "client": None}).META["REMOTE_ADDR"] == ""


@pytest.mark.parametrize("origin", ["http://jobs.example:8080", "HTTP://Jobs.Example:8080"])
def test_a_page_of_this_site_is_ours(origin: str) -> None:
    assert origin_is_ours(request_of(scope((b"origin", origin.encode()))))


def test_no_browser_has_no_origin() -> None:
    assert origin_is_ours(request_of(scope()))


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://jobs.example",
        "http://jobs.example:80800",
        "https://jobs.example:8080",
        "http://[",
        "file://",
    ],
)
def test_any_other_page_is_not_ours(origin: str) -> None:
    assert not origin_is_ours(request_of(scope((b"origin", origin.encode()))))


def test_two_origins_are_none() -> None:
    ours = (b"origin", b"http://jobs.example:8080")
    assert not origin_is_ours(request_of(scope(ours, ours)))


def test_a_name_that_is_not_ours_makes_no_page_ours() -> None:
    rebound = {**scope(), "headers": [(b"host", b"evil.example"), (b"origin", b"http://evil.example")]}
    assert not origin_is_ours(request_of(rebound))


def test_a_default_port_may_be_left_out(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = [(b"host", b"jobs.example"), (b"x-forwarded-proto", b"https"), (b"origin", b"https://jobs.example")]
    assert origin_is_ours(request_of({**scope(), "headers": headers}))
    assert origin_is_ours(request_of({**scope(), "headers": [(b"host", b"jobs.example:443"), *headers[1:]]}))


def test_the_public_address_is_ours_whatever_its_path(settings: Any) -> None:
    settings.PUBLIC_URL = "https://train.example/platform"
    assert origin_is_ours(request_of(scope((b"origin", b"https://train.example"))))
    assert not origin_is_ours(request_of(scope((b"origin", b"https://train.example/platform"))))
