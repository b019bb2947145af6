"""Daphne with what it lacks for long streams: back-pressure, and a drain. (Bodies: jobs_platform.protocols.)

* Back-pressure: `send()` returns when the connection can take more, so that a reader who does not read slows the
  writer instead of filling memory. Twisted tells a registered producer: that is a Gate here. Nor does the kernel hold
  more than UNSENT_BYTES that the client has no room for (it would take 4 MiB). In the other direction, a WebSocket is
  not read while its consumer has RECEIVE_QUEUE messages to go.
* Drain, on SIGTERM or SIGINT: stop listening, let those who asked (jobs_platform.draining) end what they have, close
  WebSockets with 1012 (service restart), let requests finish for WEB_DRAIN_SECONDS, end endless streams (a body
  without Content-Length) after WEB_STREAM_DRAIN_SECONDS, then stop. A second signal stops at once.

All of it runs in the one event loop. Importing this module installs Twisted's asyncio reactor.
"""

import asyncio
import gc
import logging
import signal
import socket
import time
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

from jobs_platform.lean import without

with without("OpenSSL"):
    import daphne.server

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet import defer, interfaces, reactor
from zope.interface import implementer

from jobs_platform.draining import run_hooks
from jobs_platform.protocols import LimitedFactory

logger = logging.getLogger("jobs_platform.web")

daphne.server.HTTPFactory = LimitedFactory  # Server.run names its factory there and takes no other

Message = MutableMapping[str, Any]
SERVICE_RESTART = 1012
CLOSE_FRAMES = (1011, SERVICE_RESTART)
RECEIVE_QUEUE = 32
UNSENT_BYTES = 128 * 1024
POLL_SECONDS = 0.05


@implementer(interfaces.IPushProducer)
class Gate:
    """Open while the transport takes bytes. Twisted closes it when its buffer is full, opens it when that is empty."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pauseProducing(self) -> None:
        self.open.clear()

    def resumeProducing(self) -> None:
        self.open.set()

    def stopProducing(self) -> None:
        self.open.set()  # the connection is gone: nobody is to wait for it


class Inbox(asyncio.Queue[Message]):
    """What a WebSocket's consumer has yet to receive; the socket is not read while that is RECEIVE_QUEUE or more."""

    def __init__(self, protocol: WebSocketProtocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.paused = False

    def put_nowait(self, item: Message) -> None:
        super().put_nowait(item)
        if self.qsize() >= RECEIVE_QUEUE and not self.paused:
            self.paused = True
            self.protocol.transport.pauseProducing()

    async def get(self) -> Message:
        message = await super().get()
        if self.paused and self.qsize() < RECEIVE_QUEUE // 2:
            self.paused = False
            self.protocol.transport.resumeProducing()
        return message


class DrainingServer(Server):  # type: ignore[misc]  # daphne has no types
    def __init__(self, *args: Any, on_listening: Callable[[], None] = lambda: None, **kwargs: Any) -> None:
        super().__init__(*args, signal_handlers=False, **kwargs)
        self.on_listening = on_listening
        self.ports: list[Any] = []
        self.draining = False
        self.failure = ""

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            reactor._asyncioEventloop.add_signal_handler(number, self.begin_drain)
        super().run()

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        port.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)  # its connections inherit it
        self.ports.append(port)
        if len(self.ports) == len(self.endpoints):
            self.on_listening()

    def listen_error(self, failure: Any) -> None:
        self.failure = failure.getErrorMessage()
        self.stop()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> "asyncio.Queue[Message] | None":
        """Daphne's, but for the bounded queue of a WebSocket. None when the connection is gone already."""
        if protocol not in self.connections:
            return None
        queue = Inbox(protocol) if scope["type"] == "websocket" else asyncio.Queue[Message]()
        scope.setdefault("asgi", {"version": "3.0"})
        application = self.application(scope, queue.get, partial(self.handle_reply, protocol))
        task = asyncio.ensure_future(application)
        task.add_done_callback(partial(self.forget, protocol))
        self.connections[protocol]["application_instance"] = task
        return queue

    def forget(self, protocol: Any, task: "asyncio.Future[None]") -> None:
        """A request that is answered goes at once. Daphne's own check, once a second, would hold every request and
        response of that second in memory; it still sees to what failed and to WebSockets."""
        details = self.connections.get(protocol, {})
        failed = task.cancelled() or task.exception()
        if "disconnected" in details and isinstance(protocol, WebRequest) and not failed:
            del self.connections[protocol]

    def protocol_disconnected(self, protocol: Any) -> None:
        if protocol in self.connections:
            super().protocol_disconnected(protocol)

    async def handle_reply(self, protocol: Any, message: Message) -> None:
        details = self.connections.get(protocol)
        if details is None or details.get("disconnected"):
            return
        if isinstance(protocol, WebRequest):
            self.prepare_http(protocol, details, message)
        elif "gate" not in details:
            # The transport still reports to the HTTP channel that this connection began as.
            protocol.transport.unregisterProducer()
            details["gate"] = Gate()
            protocol.transport.registerProducer(details["gate"], True)
        if message["type"] == "websocket.send" and protocol.state != protocol.STATE_OPEN:
            # The client has said that it leaves. How, the application hears next, and then what it sends is nobody's.
            details["gate"].open.clear()
            await details["gate"].open.wait()
            return
        if message["type"] == "websocket.close" and message.get("code") in CLOSE_FRAMES:
            close(protocol, message["code"])
            return
        await super().handle_reply(protocol, message)
        if "gate" in details:
            await details["gate"].open.wait()

    def prepare_http(self, request: WebRequest, details: dict[str, Any], message: Message) -> None:
        if message["type"] == "http.response.start":
            details["endless"] = not any(name.lower() == b"content-length" for name, _ in message["headers"])
            if self.draining:
                request.channel.persistent = False
                message["headers"] = [*message["headers"], (b"Connection", b"close")]
        elif message.get("more_body"):
            if "gate" not in details:
                details["gate"] = Gate()
                request.registerProducer(details["gate"], True)
        elif "gate" in details:
            del details["gate"]
            request.unregisterProducer()

    def begin_drain(self) -> None:
        if self.draining:
            self.stop()
            return
        self.draining = True
        self.drain_task = asyncio.ensure_future(self.drain())

    async def drain(self) -> None:
        """Ends with the reactor's stop, at the latest WEB_DRAIN_SECONDS from now."""
        for port in self.ports:
            port.stopListening()
        began = time.monotonic()
        await run_hooks()
        self.close_websockets()
        while self.busy() and (spent := time.monotonic() - began) < settings.WEB_DRAIN_SECONDS:
            if spent > settings.WEB_STREAM_DRAIN_SECONDS:
                self.end_streams()
            await asyncio.sleep(POLL_SECONDS)
        self.stop()

    def close_websockets(self) -> None:
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                close(protocol, SERVICE_RESTART)

    def end_streams(self) -> None:
        for protocol, details in self.connections.items():
            application = details.get("application_instance")
            if application and (isinstance(protocol, WebSocketProtocol) or details.get("endless")):
                application.cancel()

    def busy(self) -> bool:
        """Whether a request runs, or bytes of a finished one are still to be sent."""
        running = any(
            not details["application_instance"].done()
            for details in self.connections.values()
            if "application_instance" in details
        )
        return running or bool(reactor.getWriters())

    def kill_all_applications(self) -> defer.Deferred[Any]:
        """Daphne's fails on a connection whose application has ended and not been reaped yet."""
        running = [d["application_instance"] for d in self.connections.values() if "application_instance" in d]
        for application in running:
            application.cancel()
        ended: defer.Deferred[Any] = defer.Deferred.fromFuture(asyncio.gather(*running, return_exceptions=True))
        return ended


def close(protocol: WebSocketProtocol, code: int) -> None:
    """Not sendClose(): that takes 1000 and 3000 to 4999 only."""
    protocol.sendCloseFrame(code=code, isReply=False)


def serve(host: str, port: int, *, on_listening: Callable[[], None] = lambda: None) -> int:
    """Serve until a signal; the exit code: 0, or 1 when the address cannot be listened on."""
    from jobs_platform.asgi import application

    server = DrainingServer(
        application,
        build_endpoint_description_strings(host=host, port=port),
        on_listening=on_listening,
        server_name="",
        websocket_max_message_size=settings.WEBSOCKET_MAX_MESSAGE_BYTES,
        websocket_max_frame_size=settings.WEBSOCKET_MAX_MESSAGE_BYTES,
    )
    gc.collect()
    gc.freeze()  # what is loaded stays: no pass of the collector needs to walk it while requests wait
    server.run()
    if server.failure:
        logger.error("Cannot listen on %s port %d: %s", host, port, server.failure)
    return 1 if server.failure else 0
