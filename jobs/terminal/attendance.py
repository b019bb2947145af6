"""What ties the terminals of a web process to their records: while there are any, it says every few seconds that this
process lives, and does what others wrote into the records."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property, partial

from django.utils import timezone

from jobs.terminal import records
from jobs.terminal.held import Held
from jobs.terminal.protocol import Ending
from jobs.terminal.threads import in_thread

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


class Attendance:
    def __init__(self) -> None:
        self.sessions: dict[int, Held] = {}  # by the record's key: those whose record is open
        self.looking: asyncio.Task[None] | None = None
        self.none_left = asyncio.Event()

    @cached_property
    def server(self) -> str:
        """This process. Not made before it is asked for: what is forked from here is another."""
        return secrets.token_hex(8)

    def add(self, pk: int, held: Held) -> None:
        """Its record says just now that this process lives."""
        self.sessions[pk] = held
        self.none_left.clear()
        if self.looking is None or self.looking.done():
            self.looking = asyncio.create_task(self.keep_looking())

    def remove(self, pk: int) -> None:
        del self.sessions[pk]
        if not self.sessions:
            self.none_left.set()

    async def keep_looking(self) -> None:
        loop = asyncio.get_running_loop()
        beaten = loop.time()
        while await self.some_time():
            known, due = dict(self.sessions), loop.time() - beaten >= records.BEAT_SECONDS
            try:
                wishes = await in_thread(partial(self.look, due))
            except Exception:  # the database is not to be had: asked again
                logger.exception("What is wanted of terminals could not be read")
                continue
            beaten = loop.time() if due else beaten
            for pk, held in known.items():
                obey(held, wishes.get(pk))

    async def some_time(self) -> bool:
        """False as soon as there is no session."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self.none_left.wait()
        return bool(self.sessions)

    def look(self, due: bool) -> Mapping[int, tuple[str, bool]]:
        if due:
            records.beat(self.server, timezone.now())
        return records.wishes(self.server)


def obey(held: Held, wish: tuple[str, bool] | None) -> None:
    """No wish: the record is closed or gone, because this process seemed dead, or its job was removed for good."""
    if wish is None:
        held.terminal.finish(Ending.FAILED)
        return
    request, watchable = wish
    if request:
        held.terminal.finish(Ending(request))
    held.terminal.allow_watching(watchable)
