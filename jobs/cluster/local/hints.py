"""Word from the shims that something changed: datagrams with a pod's name on a Unix socket. Latency, not correctness:
a datagram may be lost, and the platform's sweep finds out without it."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from jobs.cluster.base import Hint
from jobs.identifiers import parse_pod_name

LONGEST_NAME = 256
QUEUED_AT_MOST = 1 << 20  # bytes of the socket's buffer: some thousand datagrams


class HintSource:
    """One at a time for a socket path: the last that binds it gets the hints."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def watch(self) -> AsyncIterator[Hint]:
        receiver = bind(self.path)
        loop = asyncio.get_running_loop()
        try:
            while True:
                pod = parse_pod_name((await loop.sock_recv(receiver, LONGEST_NAME)).decode("ascii", "replace"))
                if pod is not None:
                    yield Hint(pod[0])
        finally:
            receiver.close()


def bind(path: Path) -> socket.socket:
    """A stale socket, left by a killed process, is replaced."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setblocking(False)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUED_AT_MOST)
    temporary = path.with_name(f"{path.name[:8]}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    receiver.bind(str(temporary))
    temporary.replace(path)
    return receiver
