"""R1, R9, R13: any process may be killed at any time, and Redis may be gone; jobs neither die of it nor run twice."""

from pathlib import Path

import pytest

from tests.stack.actions import Api
from tests.stack.stack import Stack

JOBS = 50
# Each run of a command leaves one line in a file outside the platform: a second run would be seen.
COMMAND = "echo run >> {mark}; echo started; while [ ! -e {go} ]; do sleep 0.2; done; echo ended"


def submit_running(api: Api, tmp_path: Path) -> tuple[list[str], Path]:
    go = tmp_path / "go"
    ids = []
    for number in range(JOBS):
        command = COMMAND.format(mark=tmp_path / f"mark-{number}", go=go)
        ids.append(api.create(["/bin/sh", "-c", command]))
    for job_id in ids:
        api.wait(job_id, "Running", seconds=60)
    return ids, go


def check_each_ran_once(api: Api, ids: list[str], tmp_path: Path) -> None:
    for number, job_id in enumerate(ids):
        job = api.wait(job_id, "Succeeded", seconds=60)
        assert job["attempt"] == 1
        assert api.logs(f"{job_id}-1-0") == "started\nended\n"
        assert (tmp_path / f"mark-{number}").read_text() == "run\n"


@pytest.mark.parametrize("service", ["web", "worker", "beat", "agent", "redis"])
def test_a_killed_service_costs_no_job(stack: Stack, api: Api, tmp_path: Path, service: str) -> None:
    ids, go = submit_running(api, tmp_path)
    stack.wait_for_restart(service, stack.kill(service))
    go.touch()
    check_each_ran_once(Api.of(stack), ids, tmp_path)


@pytest.mark.parametrize("service", ["worker", "agent", "redis"])
def test_a_service_killed_while_jobs_are_being_started_costs_no_job(
    stack: Stack, api: Api, tmp_path: Path, service: str
) -> None:
    go = tmp_path / "go"
    go.touch()
    ids = []
    for number in range(JOBS):
        command = COMMAND.format(mark=tmp_path / f"mark-{number}", go=go)
        ids.append(api.create(["/bin/sh", "-c", command]))
        if number == JOBS // 2:
            stack.kill(service)
    check_each_ran_once(api, ids, tmp_path)


def test_without_redis_everything_goes_on(stack: Stack, api: Api) -> None:
    with stack.without("redis"):
        quick = api.create(["echo", "no broker"])
        long = api.create(["sleep", "604"], terminationGracePeriodSeconds=1)
        api.wait(quick, "Succeeded")
        assert api.logs(f"{quick}-1-0") == "no broker\n"
        api.wait(long, "Running")
        assert api.client.call("POST", "/api/jobs", {"pageSize": 1}).status == 200
        api.stop(long)
        api.wait(long, "Stopped")
        api.delete(long)
        assert api.get("/readyz").status == 200
    api.wait(api.create(["true"]), "Succeeded")


def test_a_frozen_redis_does_not_freeze_the_api(stack: Stack, api: Api) -> None:
    with stack.paused("redis"):
        job_id = api.create(["true"])
        api.wait(job_id, "Succeeded")
