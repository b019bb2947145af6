"""SIGTERM: nobody new, what is finite finishes, what is endless is ended, then the process ends."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.jobs_platform.serving import Served, served
from tests.processes import wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, WEB_DRAIN_SECONDS="20", WEB_STREAM_DRAIN_SECONDS="0.2") as server:
        yield server


def test_a_request_in_flight_is_answered_and_nobody_new_is_let_in(server: Served) -> None:
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(server.get, "/slow?seconds=2")
        server.wait_for_note("slow-began")
        server.ask_to_stop()
        wait_until(lambda: not server.is_listening(), 5.0, "the end of listening")
        assert answer.result().text == "done"
        assert answer.result().headers["Connection"] == "close"
    assert server.process.wait(10) == 0


def test_an_endless_stream_is_ended_and_its_generator_closed(server: Served) -> None:
    with server.get("/endless", stream=True) as answer:
        lines = answer.iter_lines()  # kept: its end closes the connection
        next(lines)
        assert server.note("endless-closed") is None
        server.ask_to_stop()
        assert server.process.wait(10) == 0
    assert server.note("endless-closed") is not None


def test_a_websocket_is_told_that_the_service_restarts(server: Served) -> None:
    with connect(f"{server.websocket_url}/ws/echo") as socket:
        socket.send("hello")
        assert socket.recv() == "hello"
        server.ask_to_stop()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert server.process.wait(10) == 0


def test_a_request_longer_than_the_drain_is_cut(tmp_path: Path) -> None:
    with served(tmp_path, WEB_DRAIN_SECONDS="0.5") as server, ThreadPoolExecutor() as threads:
        answer = threads.submit(server.get, "/slow?seconds=3")
        server.wait_for_note("slow-began")
        server.ask_to_stop()
        with pytest.raises(requests.ConnectionError):
            answer.result()
        assert server.process.wait(10) == 0


def test_an_idle_server_stops_at_once(server: Served) -> None:
    assert server.get("/context").status_code == 200
    server.ask_to_stop()
    assert server.process.wait(10) == 0
