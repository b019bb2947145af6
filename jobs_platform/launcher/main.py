"""From the environment to a running platform, and back to nothing."""

import http.client
import json
import os
import time
from contextlib import closing
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from jobs_platform.launcher import environment, services
from jobs_platform.launcher.environment import Instance
from jobs_platform.launcher.instance import Refused, check_address, lock
from jobs_platform.launcher.output import Terminal
from jobs_platform.launcher.preload import preload
from jobs_platform.launcher.supervisor import Supervisor
from jobs_platform.runtime import run_dir

START_SECONDS = 120.0  # the first start on a slow disk applies all migrations
INTERRUPTED = 130
LOCAL = "local"  # the pool that this launcher's agent serves in any case (jobs.bootstrap)


def main() -> int:
    began = time.monotonic()
    terminal = Terminal()
    try:
        instance = environment.prepare()
        held = lock(instance.data_dir)
        check_address(instance)
    except (Refused, ImproperlyConfigured) as exc:
        terminal.say(str(exc))
        return 1
    supervisor = Supervisor(run_dir(instance.data_dir), terminal, private=[held])
    try:
        code = run(instance, supervisor, began)
        if supervisor.stop_requests:
            terminal.say("Stopping. Training jobs go on; press Ctrl-C again to stop without waiting.")
        return code
    finally:
        supervisor.stop()
        terminal.say("Stopped.")
        os.close(held)


def run(instance: Instance, supervisor: Supervisor, began: float) -> int:
    """Start everything and stay until somebody asks to stop."""
    supervisor.keep(services.redis(instance))
    preload()
    if not prepare(supervisor):
        return INTERRUPTED if supervisor.stop_requests else 1
    for service in services.services(instance):
        supervisor.keep(service)
    if supervisor.wait_until(lambda: is_ready(instance, supervisor, began), START_SECONDS, poll=0.05):
        welcome(instance, supervisor.terminal, time.monotonic() - began)
    elif not supervisor.stop_requests:
        supervisor.terminal.say("Not ready yet: see the lines above. Going on trying.")
    while not supervisor.stop_requests:
        supervisor.turn(3600.0)
    count = services.count_jobs()
    supervisor.start(count)
    supervisor.stop_requests = 0
    supervisor.wait_until(lambda: count.name in supervisor.exits, 5.0)
    supervisor.stop_requests += 1
    return 0


def prepare(supervisor: Supervisor) -> bool:
    """Schema and first rows; False when that failed, which the output says, or when asked to stop meanwhile."""
    service = services.prepare()
    supervisor.start(service)
    return (
        supervisor.wait_until(lambda: service.name in supervisor.exits, START_SECONDS)
        and supervisor.exits[service.name] == 0
    )


def is_ready(instance: Instance, supervisor: Supervisor, began: float) -> bool:
    """Every service works, and the agent has said so since this start. A pool elsewhere may be out of reach."""
    children = list(supervisor.children.values())
    if supervisor.due or not all(child.ready for child in children if child.service.announces):
        return False
    found = readiness(instance)
    if found.get("database") != "ready" or found.get("redis") != "ready":
        return False
    local = found["pools"].get(LOCAL)
    age = local["agentAgeSeconds"] if local else 0.0
    return age is not None and age < time.monotonic() - began


def readiness(instance: Instance) -> dict[str, Any]:
    """What /readyz says; {} while nobody answers."""
    host = instance.url.removeprefix("http://").rpartition(":")[0].strip("[]")
    with closing(http.client.HTTPConnection(host, instance.port, timeout=2)) as connection:
        try:
            connection.request("GET", "/readyz")
            answer = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return {}
    return answer if isinstance(answer, dict) else {}


def welcome(instance: Instance, terminal: Terminal, seconds: float) -> None:
    terminal.say("")
    terminal.say(f"Ready in {seconds:.1f} s: {instance.url}")
    terminal.say(f"  log in     {instance.url}/login   (the first user is admin; API: {instance.url}/api/docs)")
    terminal.say(f"  data       {instance.data_dir}")
    terminal.say("  stop       Ctrl-C (training jobs go on)")
    terminal.say("")
