"""A pod's log as a stream, for who may read it: the chunks, and their forms over HTTP."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from django.utils.translation import gettext as _

from jobs.api.log_query import LogRequest
from jobs.api.log_target import Authority, Target, board, final_status
from jobs.exceptions import LogsAway, PermissionDenied
from jobs.logs import sse
from jobs.logs.filesystem import configured_store
from jobs.logs.follow import follow
from jobs.logs.tail import READ, Chunk

HEARTBEAT_SECONDS = 15.0


class AccessEnded(Exception):
    """Who reads the stream may not any more: disabled, logged out, or no longer in the job's project."""

    @property
    def message(self) -> str:
        return _("You may not read this log any more: you were logged out, or lost your role in its project.")


@asynccontextmanager
async def watched(authority: Authority) -> AsyncIterator[None]:
    """For the task that sends: while its client takes nothing it is cancelled when the right to read is lost."""
    reader = asyncio.current_task()
    assert reader is not None
    watch = asyncio.create_task(authority.cut_off(reader))
    try:
        yield
    finally:
        watch.cancel()


async def authorised(
    target: Target, wanted: LogRequest, credential_key: str, *, read_bytes: int = READ
) -> AsyncGenerator[Chunk, None]:
    """The log's chunks, and about every second without any an empty one. Raises AccessEnded."""
    authority = Authority(target, credential_key)

    async def is_over() -> bool:
        return (await board().state(target)).ended

    source = follow(configured_store(), target.key, wanted.query, is_over, read_bytes=read_bytes)
    async with watched(authority), aclosing(source) as chunks:
        async for chunk in chunks:
            if not await authority.holds():
                raise AccessEnded
            yield chunk


async def as_text(target: Target, wanted: LogRequest, credential_key: str) -> AsyncGenerator[bytes, None]:
    """The log and nothing else. Who may not read on is cut off, which a client can tell from an end."""
    async with aclosing(authorised(target, wanted, credential_key)) as chunks:
        async for chunk in chunks:
            if chunk.data:
                yield chunk.data


async def as_events(target: Target, wanted: LogRequest, credential_key: str) -> AsyncGenerator[bytes, None]:
    """Batches of lines and gaps between them, a comment in every quarter of a minute without any, and `end` with the
    job's status."""
    wanted = replace(wanted, query=replace(wanted.query, whole_lines=True))
    loop = asyncio.get_running_loop()
    last = loop.time()
    try:
        async with aclosing(authorised(target, wanted, credential_key)) as chunks:
            async for chunk in chunks:
                if not chunk.data and loop.time() - last < HEARTBEAT_SECONDS:
                    continue
                last = loop.time()
                yield chunk.shaped(as_event)
    except AccessEnded as exc:
        yield sse.named("error", json.dumps({"code": PermissionDenied.code, "message": exc.message}))
        return
    except LogsAway as exc:
        yield sse.named("error", json.dumps({"code": exc.code, "message": exc.message}))
        return
    ending = asyncio.ensure_future(final_status(target))
    try:
        while not (await asyncio.wait({ending}, timeout=HEARTBEAT_SECONDS))[0]:
            yield sse.HEARTBEAT
        yield sse.named("end", ending.result())
    finally:
        ending.cancel()


def as_event(chunk: Chunk) -> bytes:
    if chunk.gap is not None:
        return sse.gap(chunk.gap, chunk.cursor)
    return sse.batch(chunk.data, chunk.cursor) if chunk.data else sse.heartbeat(chunk.cursor)
