"""HTTP as daphne reads it, with a limit on bodies while they arrive.

A body over MAX_BODY_BYTES is read and dropped, and answered with 413 in the ordinary way: a client that is still
sending does not read yet. One that is over MAX_DISCARD_BYTES, or says that it will be, is answered at once, then
ignored.
"""

from functools import partial
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings

from jobs_platform import body_limit, request_id
from jobs_platform.api.envelope import dump, failure

LINGER_SECONDS = 5.0


class LimitedRequest(WebRequest):  # type: ignore[misc]  # daphne has no types
    received = 0
    refused = False

    def gotLength(self, length: int | None) -> None:
        if length and length > settings.MAX_DISCARD_BYTES:
            length = 0
            self.refuse()
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        room = settings.MAX_BODY_BYTES + 1 - self.received
        self.received += len(data)
        if room > 0:
            super().handleContentChunk(data[:room])
        elif self.received > settings.MAX_DISCARD_BYTES and not self.refused:
            self.refuse()

    def refuse(self) -> None:
        """Answer now, close our half, and let the client find that out before the connection is cut."""
        self.refused = True
        request_id.current.set(request_id.accept(self.getHeader("X-Request-ID") or ""))
        body = dump(failure(body_limit.CODE, body_limit.message()))
        transport = self.channel.transport
        transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        transport.loseWriteConnection()
        from twisted.internet import reactor  # importing it chooses one, which is the server's to do

        self.channel.dataReceived = lambda data: None
        reactor.callLater(LINGER_SECONDS, transport.abortConnection)

    def process(self) -> Any:
        return None if self.refused else super().process()

    def handle_exception(self, exception: BaseException) -> None:
        """Once the answer has begun it can only be cut off, which a client can tell from an end."""
        if self._response_started and self.channel is not None:
            self.channel.transport.abortConnection()
        else:
            super().handle_exception(exception)


class LimitedFactory(HTTPFactory):  # type: ignore[misc]
    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        # Twisted would parse forms by itself, in memory, for nobody: Django does.
        protocol.requestFactory = partial(LimitedRequest, parsePOSTFormSubmission=False)
        return protocol
