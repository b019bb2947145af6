"""Run both training examples on a running instance and follow their logs: `make demo`, after `make run` elsewhere.

The instance is found by HOST and PORT as in `make run`, or by DEMO_URL. Who asks is, in this order: the access token
in API_TOKEN; `admin` with ADMIN_PASSWORD; whoever may read the instance's DATA_DIR, by a token made there for the hour.
DEMO_STEPS makes the training shorter or longer. Exit code 0 when both jobs end Succeeded.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parent
PROJECT = EXAMPLES.parent
FINAL = {"Succeeded", "Failed", "Stopped"}
POLL_SECONDS = 0.2
END_SECONDS = 60.0  # from the end of the logs to a final status
EVERY_HOST = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


class DemoError(Exception):
    """What went wrong and what to do, for a person."""


def instance_url() -> str:
    host = os.environ.get("HOST") or "127.0.0.1"
    host = EVERY_HOST.get(host, f"[{host}]" if ":" in host else host)
    return os.environ.get("DEMO_URL", "").rstrip("/") or f"http://{host}:{os.environ.get('PORT') or 8080}"


class Platform:
    """A client of the REST API in the standard library."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""

    def open(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> Any:
        headers = {"Accept": accept, "Accept-Language": "en", "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            return urllib.request.urlopen(request)
        except urllib.error.HTTPError as exc:
            raise DemoError(f"{method} {path} answered {exc.code}: {exc.read(2000).decode(errors='replace')}") from exc
        except OSError as exc:
            reason = getattr(exc, "reason", exc)
            raise DemoError(
                f"No instance answers at {self.url}: {reason}. Start one with `make run` in another terminal; if it "
                "has another PORT, give `make demo` the same one."
            ) from exc

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        with self.open(method, path, body) as response:
            data: dict[str, Any] = json.load(response).get("data") or {}
        return data

    def log_in(self) -> None:
        password = os.environ.get("ADMIN_PASSWORD", "")
        if os.environ.get("API_TOKEN"):
            self.token = os.environ["API_TOKEN"]
        elif password:
            self.token = self.call("POST", "/api/auth/token", {"username": "admin", "password": password})["access"]
        else:
            self.token = issue_token()

    def lines(self, job_id: str, pod: str) -> Iterator[str]:
        """The log as it is written, until the pod ends."""
        path = f"/api/jobs/{job_id}/pods/{pod}/logs?follow=true"
        with self.open("GET", path, accept="text/plain") as stream:
            for line in stream:
                yield line.decode(errors="replace").rstrip("\n")


def issue_token() -> str:
    """Made by a command next to the database, which needs no password."""
    data_dir = Path(os.environ.get("DATA_DIR") or PROJECT / ".local").expanduser().resolve()
    env = {**os.environ, "DATA_DIR": str(data_dir)}
    if not env.get("SECRET_KEY") and (data_dir / "secret_key").exists():
        env["SECRET_KEY_FILE"] = str(data_dir / "secret_key")
    command = [sys.executable, "manage.py", "issue_token", "admin", "--name", "make demo"]
    made = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)
    if made.returncode:
        raise DemoError(
            f"Who should submit? No password is given, and no token could be made in {data_dir}: give the DATA_DIR of "
            f"the running instance, or ADMIN_PASSWORD=… make demo, or API_TOKEN=….\n{made.stderr[-500:]}"
        )
    return made.stdout.strip()


def run(platform: Platform, name: str, script: str, replicas: int) -> bool:
    """Submit, follow every pod until it ends, and say how the job ended. True when it Succeeded."""
    steps = os.environ.get("DEMO_STEPS")
    body = {
        "jobName": name,
        "image": "python:3.12",  # recorded; the local pool runs the command on this machine
        "command": [sys.executable, str(EXAMPLES / script), *(["--steps", steps] if steps else [])],
        "replicas": replicas,
    }
    job_id = platform.call("POST", "/api/jobs/create", body)["jobId"]
    print(f"\n{name}: submitted as {job_id}, {platform.url}/jobs/{job_id}", flush=True)
    waiting = wait_for(platform, job_id, lambda job: len(job["pods"]) >= replicas or job["status"] in FINAL)
    follow_all(platform, job_id, [pod["podName"] for pod in waiting["pods"]])
    job = wait_for(platform, job_id, lambda job: job["status"] in FINAL, END_SECONDS)
    print(f"{name}: {job['status']} after {job['durationSeconds'] or 0:.1f} s. {job['statusMessage']}", flush=True)
    return bool(job["status"] == "Succeeded")


def wait_for(platform: Platform, job_id: str, condition: Any, seconds: float = float("inf")) -> dict[str, Any]:
    """The job's detail once it fulfils the condition, telling why it waits meanwhile."""
    deadline, told = time.monotonic() + seconds, ""
    while True:
        job = platform.call("GET", f"/api/jobs/{job_id}")
        if condition(job):
            return job
        if time.monotonic() > deadline:
            raise DemoError(f"{job_id} is still {job['status']} after {seconds:g} s: {job['statusMessage']}")
        if job["status"] == "Queued" and job["statusMessage"] != told:
            told = job["statusMessage"]
            print(told, flush=True)
        time.sleep(POLL_SECONDS)


def follow_all(platform: Platform, job_id: str, pods: list[str]) -> None:
    """Print the lines of all pods as they come; with several, each line names its replica."""

    def follow(pod: str, prefix: str) -> None:
        try:
            for line in platform.lines(job_id, pod):
                print(f"{prefix}{line}", flush=True)
        except (DemoError, OSError, HTTPException) as exc:
            print(f"{prefix}the log stream broke off: {exc}", flush=True)

    prefixes = [f"[{pod.rpartition('-')[2]}] " if len(pods) > 1 else "" for pod in pods]
    threads = [threading.Thread(target=follow, args=pair) for pair in zip(pods, prefixes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    platform = Platform(instance_url())
    try:
        platform.open("GET", "/healthz").close()
        platform.log_in()
        done = run(platform, "digits", "train.py", 1) and run(platform, "digits-2-replicas", "train_distributed.py", 2)
    except DemoError as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nNot followed any further; the job goes on.", file=sys.stderr)
        return 130
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
