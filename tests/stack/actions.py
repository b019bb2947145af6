"""What a client does with the running stack, over real HTTP."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.harness import Client, Reply
from tests.stack.stack import ADMIN, Stack

T = TypeVar("T")
FINAL = {"Stopped", "Succeeded", "Failed"}


@dataclass
class Api:
    client: Client

    @classmethod
    def of(cls, stack: Stack) -> "Api":
        client = Client(stack.url)
        client.log_in(ADMIN, stack.password)
        return cls(client)

    def create(self, command: Sequence[str], **fields: Any) -> str:
        return self.client.create(command, **fields)

    def get(self, path: str) -> Reply:
        return self.client.call("GET", path)

    def job(self, job_id: str) -> dict[str, Any]:
        return self.client.detail(job_id)

    def stop(self, job_id: str) -> dict[str, Any]:
        body: dict[str, Any] = self.client.call("POST", f"/api/jobs/{job_id}/stop").body
        return body

    def delete(self, job_id: str) -> None:
        assert self.client.call("DELETE", f"/api/jobs/{job_id}").status == 200

    def logs(self, pod: str, query: str = "") -> str:
        job_id = pod.rsplit("-", 2)[0]
        reply = self.get(f"/api/jobs/{job_id}/pods/{pod}/logs{query}")
        return "" if reply.status == 404 else str(reply.data()["logs"])

    def wait(self, job_id: str, status: str, seconds: float = 30.0) -> dict[str, Any]:
        """The detail once the status is reached. Fails at once when the job ends otherwise."""
        deadline = time.monotonic() + seconds
        while (job := self.job(job_id))["status"] != status:
            assert job["status"] not in FINAL, f"{job['status']}: {job['statusReason']} {job.get('statusMessage')}"
            assert time.monotonic() < deadline, f"still {job['status']} after {seconds} s: {job.get('statusMessage')}"
            time.sleep(0.05)
        return job

    def until(self, look: Callable[[], T], what: str, seconds: float = 20.0) -> T:
        """The first answer that is true."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(0.05)
        return found
