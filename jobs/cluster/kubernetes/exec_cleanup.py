"""Ends what a shell left in its pod: a dropped connection does not end it."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import aiohttp

from jobs.cluster.base import PodRef
from jobs.cluster.errors import ClusterError, Unavailable
from jobs.cluster.kubernetes import exec_protocol as protocol
from jobs.cluster.kubernetes import exec_scripts as scripts
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.exec_target import Target

logger = logging.getLogger(__name__)

TRY_SECONDS = 12.0  # the script gives up after about ten
TRIES = 3
PAUSE_SECONDS = 1.0
MOST_ANSWER_BYTES = 4096
# Tasks nobody waits for are kept from the garbage collector.
RUNNING: set[asyncio.Task[None]] = set()


def in_background(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    task = asyncio.ensure_future(work)
    RUNNING.add(task)
    task.add_done_callback(RUNNING.discard)
    return task


async def end_marked(target: Target, marks: Sequence[str], *, whoever: bool = False) -> None:
    """Raises nothing: what cannot be ended now is left to the sweep (end_left), or ends with its pod. `whoever`: also
    when the pod of that name has turned out to be another one."""
    for last in (*[False] * (TRIES - 1), True):
        try:
            await end_once(target, marks, whoever=whoever)
            return
        except ClusterError as exc:
            if last:
                logger.warning("A terminal's processes in %s could not be ended: %s", target.pod.name, exc)
                return
        await asyncio.sleep(PAUSE_SECONDS)


async def end_once(target: Target, marks: Sequence[str], *, whoever: bool = False) -> int:
    """How many processes there were; 0 also when the pod does not run. Raises ClusterError."""
    try:
        async with asyncio.timeout(TRY_SECONDS):
            if not whoever and not await target.is_running():
                return 0
            query = target.exec_query(scripts.end(marks), tty=False)
            async with target.client.websocket(target.exec_path(), query, protocols=protocol.PROTOCOLS) as ws:
                return await answer(ws)
    except TimeoutError as exc:
        raise Unavailable("no answer in time") from exc
    except (aiohttp.ClientError, OSError) as exc:
        raise Unavailable(str(exc) or type(exc).__name__) from exc


async def answer(ws: aiohttp.ClientWebSocketResponse) -> int:
    said = b""
    async for message in ws:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        if message.data[0] == protocol.Channel.STDOUT:
            said = (said + message.data[1:])[:MOST_ANSWER_BYTES]
        elif message.data[0] == protocol.Channel.RESULT:
            result = protocol.result_of(message.data[1:])
            if result.code:
                raise Unavailable(result.why or f"processes that do not die ({result.code})")
            text = said.strip()
            return int(text) if text.isdigit() else 0
    raise Unavailable("the connection ended before the answer")


def end_left(access: Access, left: Mapping[PodRef, Sequence[str]]) -> dict[PodRef, int]:
    """For a worker: how many processes shells with these marks had left, pod by pod. A pod that is missing in the
    answer could not be asked. Takes as long as the slowest pod, TRY_SECONDS at most."""
    return asyncio.run(end_in_each(access, left))


async def end_in_each(access: Access, left: Mapping[PodRef, Sequence[str]]) -> dict[PodRef, int]:
    client = AsyncClient(access)
    ended: dict[PodRef, int] = {}

    async def end_in(pod: PodRef, marks: Sequence[str]) -> None:
        try:
            ended[pod] = await end_once(Target(client, pod), marks)
        except ClusterError as exc:
            logger.warning("What terminals left in %s could not be ended: %s", pod.name, exc)

    try:
        await asyncio.gather(*(end_in(pod, marks) for pod, marks in left.items()))
    finally:
        await client.aclose()
    return ended
