"""What a command finds in its environment, and what it does not."""

import os

import pytest

from jobs.cluster.base import Resources
from jobs.cluster.local.environment import pod_environment
from tests.jobs.cluster.worlds import PYTHON, LocalWorld, spec

# Ranks meet at MASTER_ADDR:MASTER_PORT; rank 0 adds up what the others send.
RENDEZVOUS = """
import os, socket, time
rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
meeting = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
if rank == 0:
    server = socket.create_server(meeting)
    print(sum(int(server.accept()[0].recv(16)) for _ in range(size - 1)))
else:
    while True:
        try:
            connection = socket.create_connection(meeting)
            break
        except ConnectionRefusedError:
            time.sleep(0.01)
    connection.sendall(b"%d" % rank)
"""


def test_nothing_of_the_platforms_own_leaks_in(local: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary-of-the-platform")
    made = spec("env")
    local.run(made)
    assert b"canary" not in local.output(made.ref)


def test_the_job_knows_its_names() -> None:
    made = spec("true", attempt=3)
    env = pod_environment(made, 0, 0)
    assert env["JOB_ID"] == made.ref.job_id
    assert env["JOB_ATTEMPT"] == "3"
    assert env["POD_NAME"] == f"{made.ref.name}-0"
    assert env["PYTHONUNBUFFERED"] == "1"


def test_the_specs_own_variables_win() -> None:
    made = spec(
        "true",
        replicas=2,
        resources=Resources(cpu_millis=1500),
        envs=(("PYTHONUNBUFFERED", "0"), ("OMP_NUM_THREADS", "7"), ("MASTER_PORT", "1234")),
        secret_envs=(("TOKEN", "t"),),
    )
    env = pod_environment(made, 1, 20001)
    assert (env["PYTHONUNBUFFERED"], env["OMP_NUM_THREADS"], env["MASTER_PORT"]) == ("0", "7", "1234")
    assert env["TOKEN"] == "t"


def test_a_single_replica_has_no_ranks() -> None:
    assert not {"RANK", "WORLD_SIZE", "MASTER_PORT"} & pod_environment(spec("true"), 0, 0).keys()


def test_python_is_found_even_where_the_path_has_none(local: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    made = spec("python", "-c", "print('found')")
    local.run(made)
    assert local.output(made.ref) == b"found\n"


def test_ranks_meet_over_tcp(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", RENDEZVOUS, replicas=4)
    snapshot = local.over(local.cluster.create_attempt(made))
    assert snapshot.all_succeeded, local.output(made.ref)
    assert local.output(made.ref) == b"6\n"


def test_secrets_are_nowhere_on_disk(local: LocalWorld) -> None:
    made = spec("/bin/sh", "-c", "echo ${#TOKEN}; sleep 600", secret_envs=(("TOKEN", "canary-5c1d"),))
    ref = local.running(made)
    files = [path for path in local.root.rglob("*") if path.is_file()]
    assert any(path.name == "started.json" for path in files)
    assert [path for path in files if b"canary-5c1d" in path.read_bytes()] == []
    assert local.output(ref) == b"11\n"
    assert b"canary" not in cmdlines()


def cmdlines() -> bytes:
    seen = b""
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:  # noqa: PTH123
                    seen += file.read()
            except OSError:
                continue
    return seen


def test_state_is_for_this_user_alone(local: LocalWorld) -> None:
    made = spec("true")
    local.run(made)
    assert (local.pool / made.ref.name).stat().st_mode & 0o077 == 0
    assert local.state_dir(made.ref).stat().st_mode & 0o077 == 0
    assert (local.work / made.ref.job_id).stat().st_mode & 0o077 == 0
