"""Watches, as the facts about watch and logs have them."""

import threading
import time
from itertools import takewhile
from typing import Any

import pytest

from tests.kube.client import Client, eventually
from tests.kube.faults import Fault
from tests.kube.manifests import config_map
from tests.kube.server import ApiServer
from tests.kube.timing import Timing


def version(client: Client) -> str:
    return str(client.get("configmaps").json["metadata"]["resourceVersion"])


def types(events: Any) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


def test_what_happened_since_the_version_comes_in_order(client: Client) -> None:
    start = version(client)
    client.create("configmaps", config_map())
    client.patch("configmaps", "settings", {"data": {"a": "c"}})
    client.delete("configmaps", "settings")
    events = list(client.watch("configmaps", resourceVersion=start, timeoutSeconds=1))
    assert [each["type"] for each in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in events]
    assert versions == sorted(set(versions))
    assert events[0]["object"]["kind"] == "ConfigMap"


def test_without_a_version_it_begins_with_what_is_there(client: Client) -> None:
    client.create("configmaps", config_map())
    assert types(client.watch("configmaps", timeoutSeconds=1)) == [("ADDED", "settings")]


def test_an_expired_version_is_200_and_then_an_error(client: Client, server: ApiServer) -> None:
    start = version(client)
    client.create("configmaps", config_map())
    server.expire_history()
    events = list(client.watch("configmaps", resourceVersion=start))
    assert [(each["type"], each["object"]["code"]) for each in events] == [("ERROR", 410)]
    assert events[0]["object"]["reason"] == "Expired"


def test_a_future_version_is_200_and_silence(client: Client) -> None:
    future = int(version(client)) + 1000
    client.create("configmaps", config_map())
    assert list(client.watch("configmaps", resourceVersion=future, timeoutSeconds=1)) == []


def test_bookmarks_carry_the_version_to_go_on_from() -> None:
    with ApiServer(simulate=True, timing=Timing(bookmark=0.2)) as server, Client(server) as client:
        start = version(client)
        client.create("configmaps", config_map())
        events = list(client.watch("configmaps", resourceVersion=start, allowWatchBookmarks="true", timeoutSeconds=1))
    assert [each["type"] for each in events][:2] == ["ADDED", "BOOKMARK"]
    assert int(events[1]["object"]["metadata"]["resourceVersion"]) > int(start)
    assert events[1]["object"]["kind"] == "ConfigMap"


def test_initial_events_end_with_a_bookmark_that_says_so(client: Client) -> None:
    client.create("configmaps", config_map())
    asked: dict[str, Any] = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "timeoutSeconds": 1}
    refused = client.get("configmaps", watch="true", **asked)
    assert refused.status == 422
    events = list(client.watch("configmaps", resourceVersionMatch="NotOlderThan", **asked))
    assert types(events) == [("ADDED", "settings"), ("BOOKMARK", "")]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_an_object_that_ceases_to_be_selected_is_deleted_for_the_watch(client: Client) -> None:
    client.create("configmaps", config_map(labels={"a": "b"}))
    client.create("configmaps", config_map("other"))
    start = version(client)
    client.patch("configmaps", "settings", {"metadata": {"labels": {"a": "c"}}})
    client.patch("configmaps", "other", {"metadata": {"labels": {"a": "b"}}})
    events = client.watch("configmaps", resourceVersion=start, labelSelector="a=b", timeoutSeconds=1)
    assert types(events) == [("DELETED", "settings"), ("ADDED", "other")]


def test_watches_end_cleanly_every_so_often(client: Client, server: ApiServer) -> None:
    with server.faults.applied(Fault("watch_eof", seconds=0.3)):
        assert list(client.watch("configmaps")) == []


@pytest.mark.parametrize("how", ["fault", "end", "restart"])
def test_a_watch_that_runs_ends_cleanly_at_once(client: Client, server: ApiServer, how: str) -> None:
    ends: list[str] = []

    def watch() -> None:
        ends.extend(each["type"] for each in client.watch("configmaps"))
        ends.append("EOF")

    thread = threading.Thread(target=watch)
    thread.start()
    eventually(lambda: server.plane.rest.watches)
    {"fault": lambda: server.faults.watch_eof(0.0), "end": server.end_watches, "restart": server.stop_listening}[how]()
    thread.join(10)
    assert ends == ["EOF"]


def test_every_watch_can_be_told_that_it_is_too_late(client: Client, server: ApiServer) -> None:
    server.faults.watch_gone()
    for _ in range(2):
        events = list(client.watch("configmaps", resourceVersion=version(client)))
        assert [each["object"]["code"] for each in events] == [410]


def test_a_black_hole_swallows_what_a_watch_would_send(client: Client, server: ApiServer) -> None:
    start = version(client)
    stream = client.watch("configmaps", resourceVersion=start, timeoutSeconds=3)
    client.create("configmaps", config_map("before"))
    assert next(stream)["object"]["metadata"]["name"] == "before"
    with server.faults.applied(Fault("silence")):
        server.create("configmaps", config_map("within"))
        time.sleep(0.2)
    server.create("configmaps", config_map("after"))
    seen = [each["object"]["metadata"]["name"] for each in stream]
    assert seen == ["within", "after"]


def test_the_metadata_can_be_watched_alone(client: Client) -> None:
    client.create("configmaps", config_map())
    found = list(takewhile(lambda event: event["type"] == "ADDED", client.watch("configmaps", timeoutSeconds=1)))
    assert found[0]["object"]["data"] == {"a": "b"}
