"""Jobs from create to their end on the running stack: every end has the right status and words a person understands."""

import hashlib
import sys
from pathlib import Path

from tests.stack.actions import Api

PYTHON = str(Path(sys.executable).resolve())
EAT_MEMORY = "import time\nheld=[]\nwhile True:\n    held.append(bytearray(8 << 20)); time.sleep(0.005)"


def test_a_job_succeeds_and_its_log_is_whole(api: Api) -> None:
    job_id = api.create(["/bin/sh", "-c", "echo one; echo two >&2; printf three"])
    job = api.wait(job_id, "Succeeded")
    assert api.logs(f"{job_id}-1-0") == "one\ntwo\nthree"
    assert job["statusReason"] == "Completed"
    assert job["pods"][0]["exitCode"] == 0


def test_two_hundred_short_jobs_at_once_all_succeed(api: Api) -> None:
    ids = [api.create(["true"]) for _ in range(200)]
    for job_id in ids:
        api.wait(job_id, "Succeeded", seconds=60)


def test_a_failed_command_says_its_exit_code(api: Api) -> None:
    job = api.wait(api.create(["/bin/sh", "-c", "exit 7"]), "Failed")
    assert job["statusReason"] == "CommandFailed"
    assert "exit code 7" in job["statusMessage"]


def test_a_command_that_is_not_there_is_named(api: Api) -> None:
    job = api.wait(api.create(["pyhton", "train.py"]), "Failed")
    assert job["statusReason"] == "CommandFailed"
    assert "pyhton" in job["statusMessage"]


def test_a_time_limit_is_kept_and_said(api: Api) -> None:
    job = api.wait(api.create(["sleep", "600"], maxRunTimeSeconds=1, terminationGracePeriodSeconds=1), "Failed")
    assert job["statusReason"] == "TimedOut"
    assert "1 s" in job["statusMessage"]


def test_too_much_memory_is_ended_and_said(api: Api) -> None:
    job = api.wait(api.create([PYTHON, "-c", EAT_MEMORY], resources={"memory": "64Mi"}), "Failed")
    assert job["statusReason"] == "OutOfMemory"
    assert "limit is 64.0 MiB" in job["statusMessage"]


def test_a_stop_ends_the_whole_process_group(api: Api) -> None:
    job_id = api.create(["/bin/sh", "-c", "sleep 601 & echo $!; wait"], terminationGracePeriodSeconds=2)
    api.wait(job_id, "Running")
    child = int(api.until(lambda: api.logs(f"{job_id}-1-0").strip(), "the child's pid"))
    assert api.stop(job_id)["message"] == "Job stopped"
    api.wait(job_id, "Stopped")
    assert not Path(f"/proc/{child}").exists()


def test_a_command_that_ignores_the_stop_is_killed_after_its_grace(api: Api) -> None:
    command = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
    job_id = api.create(command, terminationGracePeriodSeconds=1)
    api.until(lambda: "ready" in api.logs(f"{job_id}-1-0"), "the trap")
    api.stop(job_id)
    api.wait(job_id, "Stopped")


def test_a_deleted_job_is_gone_everywhere_and_its_processes_too(api: Api) -> None:
    job_id = api.create(["/bin/sh", "-c", "echo $$; exec sleep 602"], terminationGracePeriodSeconds=1)
    pid = int(api.until(lambda: api.logs(f"{job_id}-1-0").strip(), "the pid"))
    api.delete(job_id)
    for path in ("", "/events", "/pods", f"/pods/{job_id}-1-0/logs", f"/pods/{job_id}-1-0/webterminal"):
        assert api.get(f"/api/jobs/{job_id}{path}").status == 404
    api.until(lambda: not Path(f"/proc/{pid}").exists(), "the process to end")


def test_a_retry_finds_what_the_first_attempt_left(api: Api) -> None:
    command = ["/bin/sh", "-c", "test -e mark && exit 0; touch mark; exit 1"]
    job_id = api.create(command, retryPolicy={"maxRetries": 2})
    job = api.wait(job_id, "Succeeded")
    assert job["attempt"] == 2
    assert {pod["podName"]: pod["exitCode"] for pod in job["pods"]} == {f"{job_id}-1-0": 1, f"{job_id}-2-0": 0}


def test_replicas_find_each_other(api: Api) -> None:
    script = Path(__file__).with_name("rendezvous.py")
    job_id = api.create([PYTHON, str(script)], replicas=2)
    api.wait(job_id, "Succeeded")
    assert api.logs(f"{job_id}-1-0") == "rank 0 of 2 heard: hello from rank 1\n"


def test_one_failed_replica_ends_the_job(api: Api) -> None:
    job_id = api.create(["/bin/sh", "-c", "test $RANK = 1 && exit 9; sleep 603"], replicas=2)
    job = api.wait(job_id, "Failed")
    assert "exit code 9" in job["statusMessage"]
    assert f"{job_id}-1-1" in job["statusMessage"]


def test_a_secret_reaches_the_command_and_nobody_else(api: Api) -> None:
    envs = [{"name": "TOKEN", "value": "canary-51e0", "secret": True}]
    check = "import hashlib, os; print(hashlib.sha256(os.environ['TOKEN'].encode()).hexdigest())"
    job_id = api.create([PYTHON, "-c", check], envs=envs)
    job = api.wait(job_id, "Succeeded")
    assert api.logs(f"{job_id}-1-0").strip() == hashlib.sha256(b"canary-51e0").hexdigest()
    assert "canary-51e0" not in str(job)
    assert "canary-51e0" not in str(api.get(f"/api/jobs/{job_id}/events").body)
