"""Running pods for terminals: a row with a real process that stands for the pod, or one on the double of a cluster."""

import os
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.models import ApiToken, User
from jobs.cluster.base import ExecSession, Hint, PodRef
from jobs.cluster.errors import NotFound
from jobs.cluster.local import pty
from jobs.cluster.local.pod_process import PodProcess
from jobs.identifiers import pod_name
from jobs.models import Attempt, Job, Pod, Queue, ResourcePool
from tests.jobs.cluster.kubernetes.pods import sleeping_pod
from tests.kube import ApiServer


def running_pod(job: Job) -> Pod:
    attempt = Attempt.objects.create(job=job, number=1, started_at=timezone.now())
    name = pod_name(job.public_id, 1, 0)
    return Pod.objects.create(job=job, attempt=attempt, replica=0, name=name, uid="uid-1", phase="Running")


def pool_on(server: ApiServer, directory: Path, settings: Any) -> ResourcePool:
    """`settings` is pytest-django's."""
    settings.KUBECONFIG_DIR = directory
    options = {"kubeconfig": server.kubeconfig(directory / "pool.yaml").name}
    return ResourcePool.objects.create(name="cluster", kind=ResourcePool.KUBERNETES, options=options)


def running_pod_on(server: ApiServer, pool: ResourcePool, job: Job) -> Pod:
    """The job is the pool's then."""
    queue = Queue.objects.create(pool=pool, name="default", is_default=True)
    Job.objects.filter(pk=job.pk).update(pool=pool, queue=queue)
    row = running_pod(Job.objects.get(pk=job.pk))
    row.uid = sleeping_pod(server, job.public_id).uid
    row.save(update_fields=["uid"])
    return row


def token_key(user: User) -> str:
    """A log-in, as accounts.credentials names it."""
    token, _secret = ApiToken.issue(user=user, name="laptop")
    return f"token:{token.pk}"


class LonePod:
    """ClusterStreams with one pod in it: a process that sleeps."""

    def __init__(self, directory: str) -> None:
        self.process = subprocess.Popen(["sleep", "600"])
        self.directory = directory
        self.command: tuple[str, ...] = ()

    def watch(self) -> AsyncIterator[Hint]:
        raise NotImplementedError

    async def open_exec(
        self, pod: PodRef, *, command: Sequence[str], env: Mapping[str, str], cols: int, rows: int
    ) -> ExecSession:
        environment = {"PATH": os.environ["PATH"], "HOME": self.directory, "PS1": "$ ", "JOB_ID": pod.job_id}

        def find() -> PodProcess:
            if self.process.poll() is not None:
                raise NotFound("the pod has ended")
            return PodProcess(os.pidfd_open(self.process.pid), self.directory, environment)

        return await pty.open_session(find, command=command or self.command, env=env, cols=cols, rows=rows)

    def for_pool(self, pool: ResourcePool) -> "LonePod":
        return self

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
