"""The asynchronous half of the port for this machine."""

from collections.abc import AsyncIterator
from pathlib import Path

from jobs.cluster.base import Hint
from jobs.cluster.local.hints import HintSource


class LocalStreams:
    def __init__(self, *, pool_dir: Path, hint_socket: Path) -> None:
        self.pool_dir = pool_dir
        self.hints = HintSource(hint_socket)

    def watch(self) -> AsyncIterator[Hint]:
        return self.hints.watch()
