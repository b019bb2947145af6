"""A process whose children fetch one pod's log into a store, to be killed: `python -m tests.jobs.agent.capturer`.

For each line on stdin it forks a child, and says its pid. There is no registry: the child's lane answers for it.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_platform.settings")
django.setup()

from jobs.agent import log_rows  # noqa: E402 (Django has to be set up before)
from jobs.agent.capture import Capture, Pace  # noqa: E402
from jobs.agent.lanes import Lane  # noqa: E402
from jobs.agent.log_rows import Known  # noqa: E402
from jobs.cluster.base import Hint, PodPhase, PodRef, PodSnapshot  # noqa: E402
from jobs.cluster.kubernetes.connection import Access  # noqa: E402
from jobs.cluster.kubernetes.options import PoolOptions  # noqa: E402
from jobs.cluster.kubernetes.streams import KubernetesStreams  # noqa: E402
from jobs.logs.filesystem import FilesystemLogStore  # noqa: E402
from jobs.models import ResourcePool  # noqa: E402

ANSWERS: dict[Any, Callable[..., Any]] = {
    log_rows.known: lambda _pool, refs: {ref: Known(readable=True, marked=False) for ref in refs},
    log_rows.mark_stored: lambda _pool, _refs: ([], set()),
    log_rows.left_over: lambda _pool: {},
    log_rows.deleted: lambda _pool: set(),
}


class NoRegistry(Lane):
    async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return ANSWERS[function](*args, **kwargs)


async def fetch(kubeconfig: Path, store: Path, ref: PodRef) -> None:
    options = PoolOptions(kubeconfig=kubeconfig.name)
    streams = KubernetesStreams(Access(options, kubeconfig.parent, connect_seconds=2.0, read_seconds=5.0))
    pace = Pace(again=0.05, busy=0.05)
    capture = Capture(ResourcePool(name="gpu"), streams, NoRegistry("test"), store=FilesystemLogStore(store), pace=pace)
    capture.see(Hint(ref.job_id, pod=PodSnapshot(ref, PodPhase.RUNNING)))
    await capture.run()


def main() -> None:
    from kubernetes.aio import client  # noqa: F401 (loaded once, before the children)

    for line in sys.stdin:
        given = json.loads(line)
        pid = os.fork()
        if not pid:
            asyncio.run(fetch(Path(given["kubeconfig"]), Path(given["store"]), PodRef(**given["pod"])))
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
