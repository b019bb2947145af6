"""The whole platform with a pool on a cluster: what a user and the cluster's own operators see of the same jobs."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client

from tests.kube.kubectl import Kubectl
from tests.kube.server import ApiServer
from tests.processes import wait_until
from tests.stack.actions import Api
from tests.stack.stack import BASE_DIR, Stack

POOL = "cluster"
COUNT = 300


@pytest.fixture(scope="module")
def cluster() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture(scope="module")
def platform(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An instance with a pool on the cluster, made as the documentation says."""
    data_dir = tmp_path_factory.mktemp("kube") / "data"
    (data_dir / "kubeconfigs").mkdir(parents=True)
    cluster.kubeconfig(data_dir / "kubeconfigs" / "cluster.yaml")
    stack = Stack(data_dir)
    try:
        stack.start()
        said = manage(stack, "add_pool", POOL, "--kubeconfig", "cluster.yaml", "--namespace", cluster.namespace)
        assert POOL in said
        wait_until(lambda: stack.readiness()["pools"][POOL]["status"] == "ready", 30.0, "the watch of the cluster")
        yield stack
    finally:
        stack.close()


@pytest.fixture
def api(platform: Stack) -> Api:
    return Api.of(platform)


@pytest.fixture
def kubectl(cluster: ApiServer, tmp_path: Path) -> Kubectl:
    return Kubectl(cluster.kubeconfig(tmp_path / "kubeconfig"))


def manage(stack: Stack, *arguments: str) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if name != "SECRET_KEY"},
        "DATA_DIR": str(stack.data_dir),
        "SECRET_KEY_FILE": str(stack.data_dir / "secret_key"),
        "LOCAL_POOL_ENABLED": "1",
    }
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def submit(api: Api, script: str, **fields: Any) -> str:
    return api.create(["/bin/sh", "-c", script], resourcePoolId=POOL, terminationGracePeriodSeconds=1, **fields)


def events(api: Api, job_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/api/jobs/{job_id}/events").data()["events"]
    return found


def nothing_left(kubectl: Kubectl, job_id: str) -> bool:
    kinds = "jobs,pods,secrets,services"
    return kubectl.get(kinds, "-l", f"jobs-platform/job-id={job_id}")["items"] == []


def ended(api: Api, job_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        job = api.job(job_id)
        return job if job["status"] in ("Succeeded", "Failed", "Stopped") else None

    return api.until(look, f"the end of {job_id}", 40.0) or {}


def log_of(api: Api, job_id: str, replica: int = 0) -> str:
    """Once it is complete."""
    pod = f"{job_id}-1-{replica}"
    api.until(lambda: api.get(f"/api/jobs/{job_id}/pods/{pod}/logs").data()["complete"], f"the whole log of {pod}")
    return api.logs(pod)


def test_the_platform_finds_the_cluster_fit(platform: Stack) -> None:
    assert "problem" not in manage(platform, "check_pool", POOL).lower()


def test_a_job_runs_and_what_it_leaves_outlives_its_objects(api: Api, kubectl: Kubectl) -> None:
    secret = {"name": "TOKEN", "value": "hidden-value", "secret": True}
    job_id = submit(api, 'echo "token $TOKEN"; echo "again"; exit 3', envs=[secret])
    job = ended(api, job_id)
    assert (job["status"], job["statusReason"]) == ("Failed", "CommandFailed")
    assert [(pod["exitCode"], pod["phase"]) for pod in job["pods"]] == [(3, "Failed")]
    assert log_of(api, job_id) == "token hidden-value\nagain\n"
    api.until(lambda: nothing_left(kubectl, job_id), "an empty namespace")
    told = [(event["source"] == "platform", event["reason"]) for event in events(api, job_id)]
    assert (False, "Started") in told
    assert (False, "Pulled") in told
    # The end of the log, in which the job printed its secret, is quoted and not kept.
    quoted = ("statusMessage", "diagnosis")
    kept = {name: value for name, value in api.job(job_id).items() if name not in quoted}
    assert "hidden-value" not in json.dumps([kept, events(api, job_id)])


def test_replicas_find_each_other(api: Api) -> None:
    job_id = submit(api, 'echo "$RANK of $WORLD_SIZE, master $MASTER_ADDR:$MASTER_PORT, I am $POD_NAME"', replicas=2)
    assert ended(api, job_id)["status"] == "Succeeded"
    for rank in range(2):
        line = log_of(api, job_id, rank)
        assert re.fullmatch(rf"{rank} of 2, master {job_id}-1-0\.{job_id}-1:\d+, I am {job_id}-1-{rank}\n", line), line


def test_a_failing_replica_ends_its_peers_and_their_logs_are_kept(api: Api, kubectl: Kubectl) -> None:
    script = 'echo "rank $RANK"; if [ $RANK = 1 ]; then sleep 1; echo failing; exit 7; fi; sleep 600'
    job_id = submit(api, script, replicas=3)
    job = ended(api, job_id)
    assert (job["status"], job["statusReason"]) == ("Failed", "CommandFailed")
    assert "-1-1" in job["statusMessage"]
    assert log_of(api, job_id, 0) == "rank 0\n"
    assert log_of(api, job_id, 1) == "rank 1\nfailing\n"
    assert log_of(api, job_id, 2) == "rank 2\n"
    api.until(lambda: nothing_left(kubectl, job_id), "an empty namespace")


def test_a_stop_ends_everything_on_the_cluster(api: Api, kubectl: Kubectl) -> None:
    job_id = submit(api, "trap 'echo told; exit 0' TERM; echo waiting; while true; do sleep 0.1; done", replicas=2)
    api.wait(job_id, "Running")
    api.until(lambda: "waiting" in api.logs(f"{job_id}-1-0"), "its first line")
    api.stop(job_id)
    api.wait(job_id, "Stopped")
    assert nothing_left(kubectl, job_id)
    assert "waiting" in api.logs(f"{job_id}-1-1")


def test_a_job_deleted_here_is_gone_there(api: Api, kubectl: Kubectl) -> None:
    job_id = submit(api, "sleep 600")
    api.wait(job_id, "Running")
    api.delete(job_id)
    assert api.get(f"/api/jobs/{job_id}").status == 404
    api.until(lambda: nothing_left(kubectl, job_id), "an empty namespace")


def test_a_job_deleted_there_is_lost_here(api: Api, kubectl: Kubectl) -> None:
    job_id = submit(api, "sleep 600")
    api.wait(job_id, "Running")
    kubectl("delete", "job", f"{job_id}-1", "--cascade=foreground", "--wait=false")
    job = ended(api, job_id)
    assert (job["status"], job["statusReason"]) == ("Failed", "Lost")


def test_a_pod_evicted_there_is_told_as_such(api: Api, cluster: ApiServer, kubectl: Kubectl) -> None:
    job_id = submit(api, "sleep 600")
    api.wait(job_id, "Running")
    (pod,) = kubectl.get("pods", "-l", f"jobs-platform/job-id={job_id}")["items"]
    cluster.disrupt_pod(pod["metadata"]["name"], reason="EvictionByEvictionAPI")
    job = ended(api, job_id)
    assert (job["status"], job["statusReason"]) == ("Failed", "Preempted"), [job, events(api, job_id)]


def test_an_image_that_is_not_there_is_said_while_it_waits(api: Api) -> None:
    job_id = api.create(["true"], resourcePoolId=POOL, image="registry.invalid/team/missing:not-found")
    api.until(lambda: "registry.invalid/team/missing" in api.job(job_id)["statusMessage"], "the reason for waiting")
    job = api.job(job_id)
    assert job["status"] == "Starting"
    assert job["statusReason"].startswith("Image")
    api.delete(job_id)


def test_a_shell_opens_in_the_pod(api: Api) -> None:
    job_id = submit(api, "sleep 600", envs=[{"name": "WHERE", "value": "in-the-pod"}])
    api.wait(job_id, "Running")
    url = api.get(f"/api/jobs/{job_id}/pods/{job_id}-1-0/webterminal?cols=91&rows=33").data()["webTerminalUrl"]
    origin = url.replace("ws://", "http://").partition("/webterminal")[0]
    with websockets.sync.client.connect(url, origin=origin) as socket:
        socket.send(b'echo "$WHERE-$(stty size | tr " " x)"; exit 5\n')
        shown, told = b"", []
        for frame in socket:
            if isinstance(frame, bytes):
                shown += frame
            else:
                told.append(json.loads(frame))
    assert b"in-the-pod-33x91" in shown
    assert next(one for one in told if one["operation"] == "exit")["code"] == 5
    api.delete(job_id)


@pytest.mark.parametrize("service", ["agent", "worker", "web"])
def test_a_killed_process_costs_no_line(api: Api, platform: Stack, kubectl: Kubectl, service: str) -> None:
    job_id = submit(api, f"i=0; while [ $i -lt {COUNT} ]; do echo line $i; i=$((i+1)); sleep 0.01; done")
    api.until(lambda: "line 20\n" in api.logs(f"{job_id}-1-0"), "its first lines")
    pid = platform.kill(service, signal.SIGKILL)
    platform.wait_for_restart(service, pid)
    api = Api.of(platform)
    assert ended(api, job_id)["status"] == "Succeeded"
    assert log_of(api, job_id) == "".join(f"line {number}\n" for number in range(COUNT))
    api.until(lambda: nothing_left(kubectl, job_id), "an empty namespace", 40.0)


def test_a_cluster_that_goes_away_for_a_while_ends_no_job(api: Api, cluster: ApiServer) -> None:
    job_id = submit(api, "i=0; while [ $i -lt 80 ]; do echo line $i; i=$((i+1)); sleep 0.1; done")
    api.wait(job_id, "Running")
    cluster.stop_listening()
    cluster.close_connections()
    labels = {"jobs-platform/job-id": job_id}
    api.until(
        lambda: cluster.list("pods", labels)[0]["status"]["phase"] == "Succeeded", "an end that nobody sees", 40.0
    )
    assert api.job(job_id)["status"] == "Running"
    cluster.listen()
    assert ended(api, job_id)["status"] == "Succeeded"
    assert log_of(api, job_id) == "".join(f"line {number}\n" for number in range(80))
