"""One exec over WebSocket, from the first frame to the close.

As in the real one, a client that goes away leaves the process running: nobody reads its output any more, and the end of
its standard input is all that it hears. The server sends no pings; it answers those of the client, unless it is held up
by a command that does not read what the client sent before (one loop reads them all)."""

import asyncio
import json
import os
from asyncio import FIRST_COMPLETED
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from tests.kube.kubelet.channels import CLOSE, OUTPUTS, RESIZE, RESULT, STDIN, STDOUT, Frames
from tests.kube.kubelet.container import Container
from tests.kube.kubelet.processes import Process, StartError

CHUNK_BYTES = 32 * 1024
RUNC = (
    "error executing command in container: failed to exec in container: failed to start exec "
    '"{id}": OCI runtime exec failed: exec failed: unable to start container process: {why}: unknown'
)


@dataclass(frozen=True, slots=True)
class ExecOptions:
    command: list[str]
    stdin: bool = False
    stdout: bool = True
    stderr: bool = False
    tty: bool = False


class ExecSession:
    def __init__(self, ws: web.WebSocketResponse, frames: Frames, options: ExecOptions) -> None:
        self.ws, self.frames, self.options = ws, frames, options
        self.loop = asyncio.get_running_loop()

    async def run(self, container: Container) -> None:
        """Ends when the command has, or the client is gone."""
        await self.send(STDOUT, b"")
        try:
            process = container.exec(self.options.command, tty=self.options.tty, stdin=self.options.stdin)
        except StartError as exc:
            text = RUNC.format(id=os.urandom(32).hex(), why=exc)
            await self.finish(self.frames.internal_error(text))
            return
        typing = asyncio.create_task(self.type(process))
        showing = asyncio.create_task(self.show(process))
        try:
            await asyncio.wait({typing, showing}, return_when=FIRST_COMPLETED)
            if showing.done() and showing.exception() is None:
                await self.finish(self.frames.result(await asyncio.shield(process.ended)))
        finally:
            typing.cancel()
            showing.cancel()
            await asyncio.gather(typing, showing, return_exceptions=True)
            self.leave(process)

    def leave(self, process: Process) -> None:
        """Its descriptors are kept open as long as it runs, so that no signal tells it that nobody looks."""
        process.close_stdin()
        process.ended.add_done_callback(lambda _: process.close())

    async def finish(self, result: bytes) -> None:
        if result:
            await self.send(RESULT, result)
        await self.ws.close()

    async def send(self, channel: int, data: bytes) -> None:
        message = self.frames.encode(channel, data)
        await (self.ws.send_bytes(message) if isinstance(message, bytes) else self.ws.send_str(message))

    async def show(self, process: Process) -> None:
        """Until all output has been shown and the command has ended."""
        pumps = [self.pump(process, stream, fd) for stream, fd in process.outputs.items()]
        await asyncio.gather(*pumps)
        await asyncio.shield(process.ended)

    async def pump(self, process: Process, stream: str, fd: int) -> None:
        """Reads only when what it read before is on its way: a client that does not read stops the command."""
        while data := await self.read(process, fd):
            if self.options.stdout if stream == "stdout" else self.options.stderr:
                await self.send(OUTPUTS[stream], data)

    async def read(self, process: Process, fd: int) -> bytes:
        """A terminal ends with its command, whoever else has it open (containerd's shim shuts the console down)."""
        while True:
            over = process.is_tty and process.ended.done()
            try:
                return os.read(fd, CHUNK_BYTES)
            except BlockingIOError:
                if over:
                    return b""
                await self.until_readable(process, fd)
            except OSError:  # EIO: nobody has the terminal open any more
                return b""

    async def until_readable(self, process: Process, fd: int) -> None:
        ready = asyncio.create_task(self.until_ready(fd, writing=False))
        try:
            ends: list[asyncio.Future[Any]] = [ready, process.ended] if process.is_tty else [ready]
            await asyncio.wait(ends, return_when=FIRST_COMPLETED)
        finally:
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)

    async def until_ready(self, fd: int, *, writing: bool) -> None:
        add, remove = (
            (self.loop.add_writer, self.loop.remove_writer)
            if writing
            else (self.loop.add_reader, self.loop.remove_reader)
        )
        ready: asyncio.Future[None] = self.loop.create_future()
        add(fd, settle, ready)
        try:
            await ready
        finally:
            remove(fd)

    async def type(self, process: Process) -> None:
        """Until the client is gone."""
        async for message in self.ws:
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                break
            frame = self.frames.decode(message.data)
            if frame is not None:
                await self.take(process, *frame)

    async def take(self, process: Process, channel: int, data: bytes) -> None:
        if channel == STDIN and self.options.stdin:
            await self.write(process, data)
        elif channel == RESIZE:
            self.resize(process, data)
        elif channel == CLOSE and self.frames.has_close and data[:1] == bytes([STDIN]):
            process.close_stdin()

    async def write(self, process: Process, data: bytes) -> None:
        rest = memoryview(data)
        while rest and process.stdin is not None and not process.ended.done():
            try:
                rest = rest[os.write(process.stdin, rest) :]
            except BlockingIOError:
                await self.until_ready(process.stdin, writing=True)
            except OSError:
                return

    @staticmethod
    def resize(process: Process, data: bytes) -> None:
        try:
            size = json.loads(data)
            process.resize(cols=int(size["Width"]), rows=int(size["Height"]))
        except (ValueError, KeyError, TypeError):  # the real one closes the resize stream
            return


def settle(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
