"""A shell on a terminal inside a pod: the Kubernetes half of open_exec.

What the API server does not do by itself, and is done here:
* exec goes by a pod's name and knows no uid: the pod is found by labels and uid, and looked up again once the
  connection stands, before the first byte of it is used.
* A dropped connection leaves the shell running: whatever ends a session, a second, short exec ends everything that
  carries its mark.
* The server sends no pings: ours keep proxies from closing an idle terminal, and show whether anybody is there.
* The end of the pod is not always told: it is asked for every few seconds.

A session belongs to one event loop. One task reads, one writes. The connection is read from inside read() alone, so
that a flood waits in the pod: aiohttp stops reading the socket when 128 KiB wait.
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

import aiohttp

from jobs.cluster.base import EXEC_MARK, PodRef
from jobs.cluster.errors import ClusterError, NotFound, Unavailable
from jobs.cluster.kubernetes import exec_protocol as protocol
from jobs.cluster.kubernetes import exec_scripts as scripts
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.cluster.kubernetes.exec_cleanup import end_marked, in_background
from jobs.cluster.kubernetes.exec_target import Target

logger = logging.getLogger(__name__)

READ_BYTES = 64 * 1024
PING_SECONDS = 20.0  # proxies commonly close what is silent for 30 to 60 s
DEAD_SECONDS = 45.0  # two pings without an answer
MOST_SILENCES = 10
CHECK_SECONDS = 5.0
GOODBYE_SECONDS = 1.0
# From the end of a container to the status that tells of it: how long an end without explanation waits for one.
EXPLAIN_SECONDS = 1.5
EXPLAIN_STEP_SECONDS = 0.25
KILLED = 137
GONE = (aiohttp.ClientError, ConnectionError, RuntimeError)  # RuntimeError: aiohttp's, for a connection that is closed
END = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def open_session(
    client: AsyncClient, pod: PodRef, *, command: Sequence[str], env: Mapping[str, str], cols: int, rows: int
) -> "KubernetesSession":
    """Raises NotFound when the pod with that uid does not run, Forbidden and Unavailable."""
    mark = env.get(EXEC_MARK) or secrets.token_hex(16)
    target = Target(client, pod)
    await target.require_running()
    stack = AsyncExitStack()
    try:
        ws = await stack.enter_async_context(
            client.websocket(
                target.exec_path(),
                target.exec_query(scripts.enter(command, {**env, EXEC_MARK: mark}), tty=True),
                protocols=protocol.PROTOCOLS,
                autoping=False,
            )
        )
        await target.require_running()
    except (asyncio.CancelledError, ClusterError):
        # It may have begun: a timeout says nothing, and a cancelled caller does not hear of it.
        in_background(end_marked(target, [mark], whoever=True))
        await close_quickly(stack)
        raise
    session = KubernetesSession(ws, stack, target, mark)
    await session.begin(cols=cols, rows=rows)
    return session


async def close_quickly(stack: AsyncExitStack) -> None:
    """A peer that does not answer the goodbye is not waited for."""
    with suppress(TimeoutError, *GONE):
        async with asyncio.timeout(GOODBYE_SECONDS):
            await stack.aclose()


class KubernetesSession:
    """ExecSession. `over` has the shell's exit code, or what ended the session instead."""

    def __init__(
        self, ws: aiohttp.ClientWebSocketResponse, connection: AsyncExitStack, target: Target, mark: str
    ) -> None:
        self.ws, self.connection, self.target, self.mark = ws, connection, target, mark
        self.loop = asyncio.get_running_loop()
        self.over: asyncio.Future[int] = self.loop.create_future()
        self.over.add_done_callback(lambda over: over.cancelled() or over.exception())  # it may be nobody's concern
        self.rest = b""
        self.ended = False  # nothing more comes from the connection
        self.pings = self.answered = 0  # the numbers of the last ping, and of the last pong
        self.typed = -1  # the number of the last ping before what was typed last
        self.size: tuple[int, int] | None = None
        self.latest: tuple[int, int] | None = None  # the last size that was asked for
        self.repeated = False
        self.closing: asyncio.Task[None] | None = None
        self.tasks = {self.loop.create_task(part()) for part in (self.keep_alive, self.watch_pod)}

    async def read(self) -> bytes:
        """Always lets other tasks run, so that a flood does not shut out the keyboard."""
        while self.closing is None:
            if self.rest:
                data, self.rest = self.rest[:READ_BYTES], self.rest[READ_BYTES:]
                await asyncio.sleep(0)
                return data
            if self.ended:
                break
            message = await self.receive()
            if message is None or message.type in END:
                self.end(self.explain_loss())
                break
            if message.type is aiohttp.WSMsgType.BINARY:
                self.take(message.data)
            elif message.type is aiohttp.WSMsgType.PONG:
                self.answered = int.from_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                await self.answer_ping(message.data)
        return b""

    async def answer_ping(self, data: bytes) -> None:
        with suppress(*GONE):
            await self.ws.pong(data)

    async def receive(self) -> aiohttp.WSMessage | None:
        """None: the peer is dead. A program that does not read what is typed holds up the pongs too, for one loop of
        the server takes both: until a ping is answered that came after it, silence is borne while the API server
        answers others."""
        for _ in range(MOST_SILENCES):
            try:
                async with asyncio.timeout(DEAD_SECONDS):
                    return await self.ws.receive()
            except TimeoutError:
                if self.typed < self.answered or not await self.server_answers():
                    return None
        return None

    async def server_answers(self) -> bool:
        try:
            await self.target.is_running()
        except ClusterError:
            return False
        return True

    def take(self, message: bytes) -> None:
        channel, data = message[:1], message[1:]
        if not channel:
            return
        if channel[0] in protocol.OUTPUT:
            self.rest = data
            if not self.repeated:
                self.repeat_size()
        elif channel[0] == protocol.Channel.RESULT:
            self.hear_result(protocol.result_of(data))

    def hear_result(self, result: protocol.Result) -> None:
        if result.why:
            self.rest = f"{result.why}\r\n".encode()
        self.end(self.explain_kill() if result.code == KILLED else self.settle(result.code))

    def end(self, verdict: Coroutine[Any, Any, None]) -> None:
        """Nothing more comes; how the session ended is found out by the verdict."""
        if self.ended or self.over.done():
            verdict.close()
        else:
            self.keep(self.loop.create_task(verdict))
        self.ended = True

    async def settle(self, code: int) -> None:
        self.finish(code)

    async def explain_kill(self) -> None:
        """The end of a container kills what runs in it."""
        self.finish(NotFound("the pod has ended") if await self.pod_ends_soon() else KILLED)

    async def explain_loss(self) -> None:
        gone = await self.pod_ends_soon()
        self.finish(NotFound("the pod has ended") if gone else Unavailable("the connection to the terminal was lost"))

    async def pod_ends_soon(self) -> bool:
        with suppress(TimeoutError, ClusterError):
            async with asyncio.timeout(EXPLAIN_SECONDS):
                while await self.target.is_running():
                    await asyncio.sleep(EXPLAIN_STEP_SECONDS)
                return True
        return False

    def finish(self, outcome: int | ClusterError) -> None:
        if self.over.done():
            return
        if isinstance(outcome, int):
            self.over.set_result(outcome)
        else:
            self.over.set_exception(outcome)

    async def write(self, data: bytes) -> None:
        """Waits for a program that does not read. Does nothing after the end."""
        for at in range(0, len(data), protocol.FRAME_BYTES):
            if self.closing is not None or self.ended:
                return
            self.typed = self.pings
            with suppress(*GONE):
                await self.ws.send_bytes(protocol.stdin(data[at : at + protocol.FRAME_BYTES]))
            self.typed = self.pings

    async def begin(self, *, cols: int, rows: int) -> None:
        """The first size goes before anything that is typed."""
        self.size = self.latest = (cols, rows)
        await self.send_size()

    def repeat_size(self) -> None:
        """A shell's readline reads the size as it starts and sets it again (set_winsize in rltty.c): one that came in
        between is lost. Once it shows something it has done so."""
        self.repeated = True
        if self.size is None:
            self.size = self.latest
            self.keep(self.loop.create_task(self.send_size()))

    async def resize(self, *, cols: int, rows: int) -> None:
        """Not held up by a program that does not read: only the newest size waits."""
        waits, self.size = self.size is not None, (cols, rows)
        self.latest = (cols, rows)
        if not waits and self.closing is None:
            self.keep(self.loop.create_task(self.send_size()))
            await asyncio.sleep(0)  # it begins, so that what is typed next comes behind it

    async def send_size(self) -> None:
        while self.size is not None:
            (cols, rows), self.size = self.size, None
            with suppress(*GONE):
                await self.ws.send_bytes(protocol.resize(cols=cols, rows=rows))

    async def wait(self) -> int:
        return await asyncio.shield(self.over)

    async def aclose(self) -> None:
        """Goes on to the end also when the caller is cancelled; bounded in time, whatever does not answer."""
        if self.closing is None:
            self.closing = in_background(self.close())
        await asyncio.shield(self.closing)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        if not self.over.done():
            self.over.set_result(128 + 1)  # SIGHUP, as a terminal's end is
        await close_quickly(self.connection)
        await end_marked(self.target, [self.mark])

    async def keep_alive(self) -> None:
        while not self.ended:
            await asyncio.sleep(PING_SECONDS)
            self.pings += 1
            with suppress(*GONE):
                await self.ws.ping(self.pings.to_bytes(8))

    async def watch_pod(self) -> None:
        """What the pod's end leaves of the output still comes by itself, for a moment."""
        while not self.over.done():
            await asyncio.sleep(CHECK_SECONDS)
            try:
                running = await self.target.is_running()
            except ClusterError:  # no answer says nothing
                continue
            if not running:
                await asyncio.sleep(EXPLAIN_SECONDS)
                self.finish(NotFound("the pod has ended"))
                await close_quickly(self.connection)

    def keep(self, task: "asyncio.Task[None]") -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
