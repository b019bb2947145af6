"""What goes wrong on purpose, goes wrong in just that way."""

import http.client
import json
import threading
import time
from typing import Any

import pytest

from tests.kube.client import Client, eventually
from tests.kube.faults import Fault
from tests.kube.manifests import config_map
from tests.kube.server import ApiServer

BROKEN = (OSError, http.client.HTTPException)


def test_an_answer_with_a_status_body_so_many_times(client: Client, server: ApiServer) -> None:
    server.faults.answer(504, verb="list", resource="configmaps", count=2, reason="Timeout", message="took too long")
    assert [client.get("configmaps").status for _ in range(3)] == [504, 504, 200]
    server.faults.answer(503, path="/configmaps$", count=1)
    assert client.get("configmaps").json["kind"] == "Status"
    assert client.get("secrets").status == 200


def test_a_fault_passes_after_its_time(client: Client, server: ApiServer) -> None:
    server.faults.answer(500, duration=0.3)
    assert client.get("configmaps").status == 500
    eventually(lambda: client.get("configmaps").status == 200)


def test_a_connection_that_drops_before_has_done_nothing(client: Client, server: ApiServer) -> None:
    server.faults.drop(verb="create", count=1)
    with pytest.raises(BROKEN):
        client.create("configmaps", config_map())
    assert client.get("configmaps").json["items"] == []


def test_a_connection_that_drops_after_has_had_its_effect(client: Client, server: ApiServer) -> None:
    server.faults.drop_after(verb="create", count=1)
    with pytest.raises(BROKEN):
        client.create("configmaps", config_map())
    assert client.create("configmaps", config_map()).status == 409


def test_silence_answers_nothing_and_heals(client: Client, server: ApiServer) -> None:
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            client.get("configmaps")
        except BROKEN as exc:
            failed.append(exc)

    with server.faults.applied(Fault("silence")):
        thread = threading.Thread(target=ask)
        thread.start()
        eventually(lambda: server.requests.all(verb="list"))
        time.sleep(0.2)
        assert not failed
    thread.join(10)
    assert failed
    assert client.get("configmaps").status == 200


def test_lists_that_lie(client: Client, server: ApiServer) -> None:
    client.create("configmaps", config_map())
    server.faults.empty_lists(count=1)
    assert client.get("configmaps").json["items"] == []
    server.faults.lists_without_items(count=1)
    assert "items" not in client.get("configmaps").json
    assert len(client.get("configmaps").json["items"]) == 1


def test_a_delay_holds_the_answer_up(client: Client, server: ApiServer) -> None:
    server.faults.delay(0.3, count=1)
    began = time.monotonic()
    assert client.get("configmaps").status == 200
    assert time.monotonic() - began >= 0.3


def test_a_server_that_is_down_refuses_and_comes_back_at_the_same_address(client: Client, server: ApiServer) -> None:
    client.create("configmaps", config_map())
    url = server.url
    server.stop_listening()
    with pytest.raises(BROKEN):
        client.get("configmaps")
    with pytest.raises(ConnectionRefusedError):
        client.get("configmaps")
    server.listen()
    assert server.url == url
    assert len(client.get("configmaps").json["items"]) == 1


def test_all_connections_can_be_closed(client: Client, server: ApiServer) -> None:
    assert client.get("configmaps").status == 200
    server.close_connections()
    with pytest.raises(BROKEN):
        client.get("configmaps")
    assert client.get("configmaps").status == 200


def test_the_log_counts_full_lists(client: Client, server: ApiServer) -> None:
    client.get("pods")
    client.get("pods", labelSelector="jobs-platform/job-id in (one)")
    assert len(server.requests.full_lists("pods")) == 1
    assert len(server.requests.all(verb="list", resource="pods")) == 2


def test_a_process_of_its_own_is_told_over_http(client: Client, server: ApiServer) -> None:
    def control(path: str, body: Any) -> Any:
        return client.request("POST", f"/_control/{path}", body).json

    assert control("faults", {"action": "status", "status": 503, "count": 1}) == {"number": 1}
    assert client.get("configmaps").status == 503
    control("faults", {"action": "status", "status": 503})
    control("faults/clear", {})
    assert client.get("configmaps").status == 200
    seen = client.request("GET", "/_control/requests?verb=list").json
    assert [each["path"] for each in seen] == [client.path("configmaps")] * 2
    assert json.dumps(seen)
