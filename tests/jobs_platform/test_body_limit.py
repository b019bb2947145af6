"""A body over the limit is 413 in the envelope, however it is sent, and is never kept."""

import json
from collections.abc import Iterator

import pytest
import requests
from django.test import Client

from tests.jobs_platform.serving import Served, served

LIMIT = 64 << 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("notes"), MAX_BODY_BYTES=str(LIMIT)) as server:
        yield server


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size >> 10):
        yield b"x" * 1024


def refusal(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 413
    body: dict[str, str] = answer.json()
    assert body["success"] is False
    assert body["code"] == "BODY_TOO_LARGE"
    assert str(LIMIT) in body["message"]
    return body


def test_a_body_of_the_limit_is_taken(server: Served) -> None:
    assert requests.post(f"{server.url}/echo", data=b"x" * LIMIT, timeout=30).json() == {"length": LIMIT}


def test_a_chunked_body_of_the_limit_is_taken(server: Served) -> None:
    assert requests.post(f"{server.url}/echo", data=chunks(LIMIT), timeout=30).json() == {"length": LIMIT}


def test_one_byte_more_is_refused_with_the_requests_id(server: Served) -> None:
    answer = requests.post(f"{server.url}/echo", data=b"x" * (LIMIT + 1), headers={"X-Request-ID": "mine"}, timeout=30)
    assert refusal(answer)["requestId"] == "mine"


def test_the_refusal_speaks_the_clients_language(server: Served) -> None:
    headers = {"Accept-Language": "en"}
    answer = requests.post(f"{server.url}/echo", data=b"x" * (LIMIT + 1), headers=headers, timeout=30)
    assert refusal(answer)["message"].startswith("The body is larger")


def test_a_chunked_body_that_grows_too_large_is_refused(server: Served) -> None:
    refusal(requests.post(f"{server.url}/echo", data=chunks(16 * LIMIT), timeout=30))


def test_a_body_announced_as_huge_is_refused_before_it_is_sent(server: Served) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n")
        head, _, body = receive_all(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["code"] == "BODY_TOO_LARGE"


def test_an_endless_body_is_refused_and_not_kept(server: Served) -> None:
    before = server.memory
    with server.connect() as connection, pytest.raises(OSError):
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(1 << 20):
            connection.sendall(b"10000\r\n" + b"x" * (1 << 16) + b"\r\n")
    assert server.memory - before < 16 << 20


def test_without_the_server_the_announced_length_is_held_to_the_limit(client: Client, settings: object) -> None:
    answer = client.post("/api/jobs", data=b"x" * (2 << 20), content_type="application/json")
    assert answer.status_code == 413
    assert answer.json()["code"] == "BODY_TOO_LARGE"


def receive_all(connection: object) -> bytes:
    received = b""
    while data := connection.recv(1 << 16):  # type: ignore[attr-defined]
        received += data
    return received
