"""Streams: memory stays flat whoever does not read, and nobody produces for a client that has left."""

import socket
import threading
from collections.abc import Iterator

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.jobs_platform.served_views import FLOOD
from tests.jobs_platform.serving import Served, served

MEBIBYTE = 1 << 20
GROWTH = 24 * MEBIBYTE  # the kernel holds some megabytes for each socket; a stream has 300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("notes")) as server:
        yield server


def test_a_client_that_does_not_read_slows_the_producer_and_later_gets_everything(server: Served) -> None:
    before = server.memory
    with server.get("/flood", stream=True) as answer:
        produced = server.settled("flood")
        assert produced < GROWTH
        assert server.memory - before < GROWTH
        assert sum(len(part) for part in answer.iter_content(MEBIBYTE)) == FLOOD
        assert server.memory - before < GROWTH


def test_a_websocket_client_that_does_not_read_slows_the_producer(server: Served) -> None:
    before = server.memory
    with connect(f"{server.websocket_url}/ws/flood", max_queue=1, close_timeout=0.5) as websocket:
        assert server.settled("ws-flood") < GROWTH
        assert server.memory - before < GROWTH
        assert len(websocket.recv()) == 64 << 10


def test_little_is_held_for_a_client_that_has_no_room(server: Served) -> None:
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        own.connect(("127.0.0.1", server.port))
        with connect(f"{server.websocket_url}/ws/flood", sock=own, max_queue=1, close_timeout=0.5) as websocket:
            read = sum(len(websocket.recv()) for _ in range(500))  # fast at first, by which the kernel's buffers grow
            assert server.settled("ws-flood") - read < 2 * MEBIBYTE


def test_who_is_still_sent_to_when_leaving_is_heard_to_leave(server: Served) -> None:
    with connect(f"{server.websocket_url}/ws/parting") as websocket:
        websocket.recv()
        leaving = threading.Thread(target=websocket.close)
        leaving.start()
        with pytest.raises(ConnectionClosed):
            while True:
                websocket.recv()
        leaving.join()
    assert server.wait_for_note("parting") == "websocket.disconnect 1000 sending"


def test_a_websocket_client_that_floods_a_busy_consumer_is_slowed(server: Served) -> None:
    before = server.memory
    with connect(f"{server.websocket_url}/ws/deaf", close_timeout=0.5) as websocket:
        websocket.socket.settimeout(2)
        with pytest.raises((OSError, ConnectionClosed)):
            for _ in range(FLOOD >> 17):
                websocket.send(b"x" * (1 << 17))
        assert server.memory - before < GROWTH
        websocket.socket.close()


def test_a_client_that_leaves_closes_the_generator(server: Served) -> None:
    with server.get("/endless", stream=True) as answer:
        lines = answer.iter_lines()  # kept: its end closes the connection
        assert [next(lines) for _ in range(3)] == [b"tick"] * 3
        assert server.note("endless-closed") is None
    server.wait_for_note("endless-closed")


def test_a_stream_that_fails_is_cut_so_that_the_client_can_tell(server: Served) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError), server.get("/broken", stream=True) as answer:
        list(answer.iter_content(None))


def test_a_file_is_sent_without_being_loaded(server: Served) -> None:
    before = server.memory
    with (server.notes / "file").open("wb") as file:
        file.truncate(FLOOD)
    with server.get("/file", stream=True) as answer:
        assert int(answer.headers["Content-Length"]) == FLOOD
        assert sum(len(part) for part in answer.iter_content(MEBIBYTE)) == FLOOD
    assert server.memory - before < GROWTH


def test_requests_sent_at_once_on_one_connection_are_answered_in_order(server: Served) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /slow?seconds=0.2 HTTP/1.1\r\nHost: x\r\n\r\nGET /context HTTP/1.1\r\nHost: x\r\n\r\n")
        received = read_until(connection, b"requestId")
    assert received.index(b"done") < received.index(b"requestId")


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    received = b""
    while mark not in received and (data := connection.recv(1 << 16)):
        received += data
    return received
