"""An answer that takes a while: the work is done after the view has returned, in neither the event loop nor one of the
few threads that requests have, and is waited for before anything is sent."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from django.http import StreamingHttpResponse

from jobs_platform.api import envelope
from jobs_platform.api.exception_handler import handle

Work = Callable[[], Awaitable[Any]]


class LaterResponse(StreamingHttpResponse):
    """`work` gives the answer's `data`; what it raises becomes the error that a view's exception would be. A client
    that goes away cancels it."""

    def __init__(self, work: Work) -> None:
        super().__init__(self._parts(), content_type=envelope.JSON, headers={"Cache-Control": "no-store"})
        self._work = work
        self._body: bytes | None = None

    async def settle(self) -> None:
        """Do the work. Status and headers are known afterwards, not before."""
        try:
            body = envelope.success(await self._work())
        except Exception as exc:  # noqa: BLE001  the boundary of the view's work; handle() logs what was not foreseen
            refusal = handle(exc, {})
            self.status_code, body = refusal.status_code, refusal.data
            for name, value in refusal.items():
                self[name] = value
        self._body = envelope.dump(body)
        self["Content-Length"] = str(len(self._body))

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        if self._body is None:
            await self.settle()
        assert self._body is not None
        yield self._body
