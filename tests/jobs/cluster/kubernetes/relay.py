"""A TCP relay between a client and the double, which can fall silent without closing anything."""

import asyncio
from contextlib import suppress


class Relay:
    """For one event loop. `silent`: bytes are taken and go nowhere."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.silent = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.writers: set[asyncio.StreamWriter] = set()
        self.server: asyncio.Server

    async def __aenter__(self) -> int:
        self.server = await asyncio.start_server(self.accept, "127.0.0.1")
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *exc: object) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for writer in self.writers:
            writer.close()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers |= {writer, back}
        for pair in ((reader, back), (there, writer)):
            task = asyncio.create_task(self.pass_on(*pair))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if not self.silent:
                    writer.write(data)
                    await writer.drain()
        if not self.silent:
            writer.close()
