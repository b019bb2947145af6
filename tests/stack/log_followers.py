"""Clients that follow a log as docs/streams.md says, drop their connection at random, and come back with the cursor."""

import http.client
import json
import random
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

import websockets.sync.client
from websockets.exceptions import InvalidStatus, WebSocketException

from tests.stack.stack import Stack

PAUSE_SECONDS = 0.1
ANSWER_SECONDS = 20.0
BROKEN = (OSError, http.client.HTTPException, WebSocketException, EOFError)


@dataclass
class Follower(threading.Thread):
    """`text` is the log as it was shown, with a line for each gap; `status` what the end said."""

    stack: Stack
    token: str
    path: str
    seed: str
    text: str = ""
    cursor: int = 0
    status: str = ""
    gaps: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    failure: str = ""
    given_up: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True, name=f"{type(self).__name__} {self.seed}")
        self.random = random.Random(f"{type(self).__name__} {self.seed}")

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            while not self.status and not self.given_up.is_set():
                self.connections += 1
                try:
                    self.follow(self.random.choice([1, 3, 10, 30, 100]))
                except BROKEN:
                    self.given_up.wait(PAUSE_SECONDS)
        except Exception as exc:  # what the test has to know of
            self.failure = f"{self.name}: {exc!r}"
            raise

    def follow(self, patience: int) -> None:
        """One connection, for so many parts at most."""
        raise NotImplementedError

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}

    def request(self, query: str, **headers: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=ANSWER_SECONDS)
        connection.request("GET", f"{self.path}?follow=true{query}", headers={**self.headers, **headers})
        response = connection.getresponse()
        if response.status in (502, 503):
            raise http.client.HTTPException(f"HTTP {response.status}")
        assert response.status == 200, f"HTTP {response.status} {response.read()!r}"
        return connection, response

    def told(self, gap: dict[str, Any]) -> None:
        self.gaps.append(gap)
        self.text += f"[platform] {gap['message']}\n"


class TextFollower(Follower):
    """The cursor is the number of bytes read."""

    def follow(self, patience: int) -> None:
        connection, response = self.request(f"&cursor={self.cursor}")
        try:
            for _ in range(patience):
                data = response.read1(self.random.choice([7, 100, 10_000]))
                self.text += data.decode("ascii")
                self.cursor += len(data)
                if not data:
                    self.status = "ended"
                    return
        finally:
            drop(connection.sock)


class EventsFollower(Follower):
    """As EventSource: an event counts when its empty line has come, and a comment alone is none."""

    def follow(self, patience: int) -> None:
        last = {"Last-Event-ID": str(self.cursor)} if self.cursor else {}
        connection, response = self.request("", Accept="text/event-stream", **last)
        try:
            fields: list[tuple[str, str]] = []
            while patience and (line := response.readline()).endswith(b"\n"):
                name, _, value = line.decode("ascii").removesuffix("\n").partition(":")
                if name or value:
                    fields.append((name, value.removeprefix(" ")))
                    continue
                patience -= 1
                self.take(fields)
                fields = []
                if self.status:
                    return
        finally:
            drop(connection.sock)

    def take(self, fields: list[tuple[str, str]]) -> None:
        data = [value for name, value in fields if name == "data"]
        kind = dict(fields).get("event", "message")
        if kind == "end":
            self.status = data[0]
            return
        assert kind in ("message", "gap"), fields
        if kind == "gap":
            self.told(json.loads(data[0]))
        else:
            self.text += "".join(f"{line}\n" for line in data)
        if "id" in dict(fields):
            cursor = int(dict(fields)["id"])
            assert cursor >= self.cursor
            self.cursor = cursor
        else:
            assert not data, fields  # who comes back after it would be shown it again


class SocketFollower(Follower):
    """Acknowledges, or not, a connection long."""

    def follow(self, patience: int) -> None:
        url = f"{self.stack.websocket_url}{self.path}?cursor={self.cursor}"
        acknowledges = self.random.random() < 0.5
        try:
            with websockets.sync.client.connect(
                url, additional_headers=self.headers, open_timeout=ANSWER_SECONDS, close_timeout=0.1
            ) as connection:
                for _ in range(patience):
                    self.take(json.loads(connection.recv(timeout=ANSWER_SECONDS)))
                    if self.status:
                        return
                    if acknowledges:
                        connection.send(json.dumps({"operation": "ack", "cursor": self.cursor}))
                drop(connection.socket)
        except InvalidStatus as exc:
            assert exc.response.status_code in (502, 503), exc

    def take(self, message: dict[str, Any]) -> None:
        match message["operation"]:
            case "log":
                self.text += message["data"]
            case "gap":
                self.told(message)
            case "end":
                self.status = message["status"]
                return
            case _:
                raise AssertionError(message)
        assert message["cursor"] > self.cursor
        self.cursor = message["cursor"]


def drop(connection: socket.socket | None) -> None:
    """As a lost network does it: nobody says goodbye."""
    if connection is not None:
        connection.close()
