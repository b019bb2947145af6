"""The asynchronous half of the port for this machine."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from jobs.cluster.base import ExecSession, Hint, LogLines, LogPosition, PodRef
from jobs.cluster.errors import Invalid
from jobs.cluster.local import pod_process
from jobs.cluster.local.hints import HintSource


class LocalStreams:
    def __init__(self, *, pool_dir: Path, hint_socket: Path) -> None:
        self.pool_dir = pool_dir
        self.hints = HintSource(hint_socket)

    def watch(self) -> AsyncIterator[Hint]:
        return self.hints.watch()

    def watched_at(self) -> datetime | None:
        """This machine is always in sight."""
        return datetime.now(UTC)

    def follow_logs(self, pod: PodRef, *, since: LogPosition | None) -> AsyncGenerator[LogLines, None]:
        raise Invalid("the shims of the local pool write the log store themselves")

    async def open_exec(
        self, pod: PodRef, *, command: Sequence[str], env: Mapping[str, str], cols: int, rows: int
    ) -> ExecSession:
        from jobs.cluster.local import pty  # the agent has no use for it

        find = partial(pod_process.find, self.pool_dir, pod)
        return await pty.open_session(find, command=command, env=env, cols=cols, rows=rows)
