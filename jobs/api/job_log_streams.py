"""A job's log as a stream, for who may read it: the batches, and their forms over HTTP."""

import asyncio
import json
from bisect import bisect_right
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from itertools import accumulate

from jobs.api.job_log_query import JobLogRequest
from jobs.api.job_log_target import AttemptState, JobTarget, attempt_state
from jobs.api.log_streams import HEARTBEAT_SECONDS, AccessEnded
from jobs.api.log_target import Authority, board, settled_status
from jobs.exceptions import LogsAway, PermissionDenied
from jobs.logs import sse
from jobs.logs.filesystem import configured_store
from jobs.logs.merged import protocol
from jobs.logs.merged.cursor import JobCursor
from jobs.logs.merged.follow import Batch, follow
from jobs.logs.merged.lines import Style
from jobs.logs.merged.spans import JobQuery, Part

BETWEEN_SECONDS = 1.0


async def authorised(target: JobTarget, wanted: JobLogRequest, credential_key: str) -> AsyncGenerator[Batch, None]:
    """The log's batches, and about every second without any an empty one. Raises AccessEnded."""
    authority = Authority(target, credential_key)
    source = limited(attempts(target, wanted), wanted.query.lines.limit_bytes, wanted.style)
    async with aclosing(source) as batches:
        async for batch in batches:
            if not await authority.holds():
                raise AccessEnded
            yield batch


async def attempts(target: JobTarget, wanted: JobLogRequest) -> AsyncGenerator[Batch, None]:
    """One attempt; or, where every one is asked for, one after the other until the job has ended."""
    number, query = target.attempt, wanted.query
    last = Batch((), query.cursor or JobCursor(number))
    while True:
        async with aclosing(of_attempt(target, number, query)) as batches:
            async for last in batches:
                yield last
        while target.every_attempt and not (state := await state_of(target, number)).settled:
            yield Batch((), last.cursor)
            await asyncio.sleep(BETWEEN_SECONDS)
        if not target.every_attempt or state.latest <= number:
            return
        number += 1
        query = replace(query, cursor=None, lines=replace(query.lines, tail_lines=None, since_ns=None))


def of_attempt(target: JobTarget, number: int, query: JobQuery) -> AsyncGenerator[Batch, None]:
    async def is_over() -> bool:
        return (await state_of(target, number)).ended

    return follow(configured_store(), Part(target.keys(number), over=False), query, is_over)


async def state_of(target: JobTarget, number: int) -> AttemptState:
    name = f"{target.job_id} {number} {target.replicas}"
    return await board().answer(name, attempt_state, target, number)


async def limited(batches: AsyncGenerator[Batch, None], limit: int | None, style: Style) -> AsyncGenerator[Batch, None]:
    """The first lines of at most so many bytes of text together, one at least. The last batch's cursor is after more
    than it shows."""
    left = limit
    async with aclosing(batches):
        async for batch in batches:
            if left is None:
                yield batch
                continue
            sizes = list(accumulate(len(style.text(line)) for line in batch.lines))
            kept = max(bisect_right(sizes, left), int(left == limit and bool(sizes)))
            yield replace(batch, lines=batch.lines[:kept])
            if kept < len(sizes):
                return
            left -= sizes[-1] if sizes else 0


async def final_status(target: JobTarget) -> str:
    """The job's status, once it takes the end of what was followed into account."""
    return await settled_status(attempt_state, target, target.attempt)


async def as_text(target: JobTarget, wanted: JobLogRequest, credential_key: str) -> AsyncGenerator[bytes, None]:
    """Who may not read on is cut off, which a client can tell from an end."""
    async with aclosing(authorised(target, wanted, credential_key)) as batches:
        async for batch in batches:
            if batch.lines:
                yield protocol.text(batch, wanted.style)


async def as_events(target: JobTarget, wanted: JobLogRequest, credential_key: str) -> AsyncGenerator[bytes, None]:
    """As a pod's log: batches, gaps, a comment in every quarter of a minute without any, and `end`."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    try:
        async with aclosing(authorised(target, wanted, credential_key)) as batches:
            async for batch in batches:
                if not batch.lines and loop.time() - last < HEARTBEAT_SECONDS:
                    continue
                last = loop.time()
                yield protocol.event(batch, wanted.style) if batch.lines else sse.HEARTBEAT
    except AccessEnded as exc:
        yield sse.named("error", json.dumps({"code": PermissionDenied.code, "message": exc.message}))
        return
    except LogsAway as exc:
        yield sse.named("error", json.dumps({"code": exc.code, "message": exc.message}))
        return
    yield sse.named("end", await final_status(target))
