"""The pod that an exec goes to: the one with that uid and no other (exec itself knows names alone)."""

from collections.abc import Sequence
from urllib.parse import quote

from jobs.cluster.base import PodRef
from jobs.cluster.errors import NotFound
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.cluster.kubernetes.log_source import Life, LogSource
from jobs.logs.format import CONTAINER


class Target:
    def __init__(self, client: AsyncClient, pod: PodRef) -> None:
        self.client, self.pod = client, pod
        self.source = LogSource(client, pod)

    async def is_running(self) -> bool:
        """Raises ClusterError when that cannot be told."""
        try:
            return await self.source.life() is Life.RUNNING
        except NotFound:
            return False

    async def require_running(self) -> None:
        """Raises NotFound when the pod with that uid does not run."""
        if await self.source.life() is not Life.RUNNING:
            raise NotFound(f"pod {self.pod.name} does not run")

    def exec_path(self) -> str:
        return f"{self.source.path()}/{quote(self.source.name, safe='')}/exec"

    @staticmethod
    def exec_query(command: Sequence[str], *, tty: bool) -> list[tuple[str, str]]:
        """On a terminal, standard error comes with the output."""
        flags = [("stdin", "true"), ("tty", "true")] if tty else []
        return [("container", CONTAINER), ("stdout", "true"), *flags, *(("command", word) for word in command)]
