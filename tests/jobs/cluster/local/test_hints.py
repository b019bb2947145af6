"""Shims say at once that something changed; nobody depends on it."""

import asyncio
import socket

from jobs.cluster.base import Hint, PodPhase
from jobs.cluster.local.hints import HintSource
from tests.jobs.cluster.worlds import LocalWorld, spec


async def test_a_hint_comes_when_a_pod_starts_and_when_it_ends(local: LocalWorld) -> None:
    hints = HintSource(local.hint_socket).watch()
    first = asyncio.ensure_future(anext(hints))
    await asyncio.sleep(0)
    made = spec("true")
    local.cluster.create_attempt(made)
    assert await asyncio.wait_for(first, 30) == Hint(made.ref.job_id)
    assert await asyncio.wait_for(anext(hints), 30) == Hint(made.ref.job_id)
    assert local.seen(made.ref).all_succeeded, "how it ended is there before the hint"
    await hints.aclose()  # type: ignore[attr-defined]


async def test_a_stale_socket_is_replaced(local: LocalWorld) -> None:
    local.hint_socket.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stale:
        stale.bind(str(local.hint_socket))
    hints = HintSource(local.hint_socket).watch()
    waiting = asyncio.ensure_future(anext(hints))
    await asyncio.sleep(0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"not a pod's name", str(local.hint_socket))
        sender.sendto(b"job-0123456789abcdef-1-0", str(local.hint_socket))
    assert await asyncio.wait_for(waiting, 30) == Hint("job-0123456789abcdef")
    await hints.aclose()  # type: ignore[attr-defined]


def test_without_a_listener_everything_works(local: LocalWorld) -> None:
    assert local.run(spec("true")).phase is PodPhase.SUCCEEDED


async def test_no_end_is_missed_when_many_come_at_once(local: LocalWorld) -> None:
    hints = HintSource(local.hint_socket).watch()
    first = asyncio.ensure_future(anext(hints))
    await asyncio.sleep(0)
    refs = await asyncio.to_thread(lambda: [local.cluster.create_attempt(spec("true")) for _ in range(30)])
    over: set[str] = set()
    hint = await asyncio.wait_for(first, 30)
    while True:
        if local.is_over(next(ref for ref in refs if ref.job_id == hint.job_id)):
            over.add(hint.job_id)
        if len(over) == len(refs):
            break
        hint = await asyncio.wait_for(anext(hints), 30)
    await hints.aclose()  # type: ignore[attr-defined]
