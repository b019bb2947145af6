"""What tests read from a terminal."""

import asyncio

from jobs.cluster.base import ExecSession


async def until(session: ExecSession, text: str, *, seconds: float = 10) -> str:
    """What is shown until the text shows."""
    shown = b""
    async with asyncio.timeout(seconds):
        while text.encode() not in shown:
            data = await session.read()
            assert data, f"the end came before {text!r}: {shown!r}"
            shown += data
    return shown.decode()


async def rest(session: ExecSession, *, seconds: float = 10) -> str:
    shown = b""
    async with asyncio.timeout(seconds):
        while data := await session.read():
            shown += data
    return shown.decode()
