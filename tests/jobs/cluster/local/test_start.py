"""How commands start here, and what is said when they cannot."""

from pathlib import Path

import pytest

from jobs.cluster.base import DataSource, PodReason, Resources
from jobs.cluster.errors import Invalid
from tests.jobs.cluster.worlds import PYTHON, LocalWorld, spec


def executable(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_command_that_is_not_in_path(local: LocalWorld) -> None:
    pod = local.run(spec("python4", "train.py"))
    assert (pod.reason, pod.exit_code) == (PodReason.START_ERROR, 127)
    assert pod.message.startswith("python4: command not found in PATH")


def test_a_path_that_is_not_there(local: LocalWorld) -> None:
    pod = local.run(spec("/no/such/program"))
    assert (pod.reason, pod.exit_code) == (PodReason.START_ERROR, 127)
    assert "/no/such/program: no such file" in pod.message


def test_a_file_that_is_not_executable(local: LocalWorld, tmp_path: Path) -> None:
    pod = local.run(spec(executable(tmp_path / "train", "#!/bin/sh\n", 0o644)))
    assert (pod.reason, pod.exit_code) == (PodReason.START_ERROR, 126)
    assert "Permission denied" in pod.message


def test_a_file_that_is_no_program(local: LocalWorld, tmp_path: Path) -> None:
    pod = local.run(spec(executable(tmp_path / "train", "echo not run by any shell of ours\n")))
    assert (pod.reason, pod.exit_code) == (PodReason.START_ERROR, 126)
    assert "Exec format error" in pod.message


def test_a_script_whose_interpreter_is_not_there(local: LocalWorld, tmp_path: Path) -> None:
    pod = local.run(spec(executable(tmp_path / "train", "#!/no/such/python\n")))
    assert (pod.reason, pod.exit_code) == (PodReason.START_ERROR, 127)
    assert "interpreter" in pod.message


def test_arguments_longer_than_the_system_takes(local: LocalWorld) -> None:
    pod = local.run(spec("/bin/echo", "x" * (1 << 20)))
    assert (pod.reason, pod.exit_code) == (PodReason.START_ERROR, 126)
    assert "Argument list too long" in pod.message


def test_a_working_directory_that_is_not_there(local: LocalWorld) -> None:
    pod = local.run(spec("true", working_dir="/no/such/directory"))
    assert pod.reason is PodReason.START_ERROR
    assert "/no/such/directory" in pod.message
    assert "No such file or directory" in pod.message


def test_the_working_directory_that_was_asked_for(local: LocalWorld, tmp_path: Path) -> None:
    made = spec("pwd", working_dir=str(tmp_path))
    local.run(made)
    assert local.output(made.ref).decode().strip() == str(tmp_path)


def test_without_one_attempts_and_replicas_share_the_jobs_own(local: LocalWorld) -> None:
    first = spec("/bin/sh", "-c", "touch by-$RANK", replicas=2)
    local.over(local.cluster.create_attempt(first))
    second = spec("/bin/ls", job_id=first.ref.job_id, attempt=2)
    local.run(second)
    assert local.output(second.ref) == b"by-0\nby-1\n"


@pytest.mark.parametrize("kind", ["pvc", "nfs", "configMap", "emptyDir"])
def test_data_sources_are_refused_with_the_reason(local: LocalWorld, kind: str) -> None:
    source = DataSource(kind, "data", "", "/data", read_only=False, size_limit_bytes=0)
    with pytest.raises(Invalid, match=f"cannot mount {kind} at /data"):
        local.cluster.create_attempt(spec("true", data_sources=(source,)))


def test_gpus_are_refused(local: LocalWorld) -> None:
    with pytest.raises(Invalid, match="GPU"):
        local.cluster.create_attempt(spec("true", resources=Resources(gpus=1)))


@pytest.mark.parametrize(
    "fields",
    [
        {"args": ("a\0b",)},
        {"envs": (("A", "a\0b"),)},
        {"secret_envs": (("A\0", "b"),)},
        {"working_dir": "/tmp\0"},
        {"envs": (("A=B", "c"),)},
        {"envs": (("", "c"),)},
    ],
)
def test_what_no_process_can_be_given_is_refused(local: LocalWorld, fields: dict[str, object]) -> None:
    made = spec("true", **fields)
    with pytest.raises(Invalid):
        local.cluster.create_attempt(made)
    assert not local.pool.exists(), "nothing was begun"


def test_an_empty_command_is_refused(local: LocalWorld) -> None:
    with pytest.raises(Invalid):
        local.cluster.create_attempt(spec())


OPEN_FILES = """
import os, sys
def is_open(fd):
    try:
        return os.fstat(fd)
    except OSError:
        return None
print([fd for fd in range(1000) if is_open(fd)], os.isatty(0), sys.stdin.read() == "", os.getsid(0) == os.getpid())
"""


def test_the_command_has_no_input_no_terminal_and_only_its_own_files_open(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", OPEN_FILES)
    local.run(made)
    assert local.output(made.ref) == b"[0, 1, 2] False True True\n"


def test_a_broken_pipe_ends_a_command_as_in_any_shell(local: LocalWorld) -> None:
    made = spec("/bin/bash", "-c", "set -o pipefail; yes | head -n 1")
    assert local.run(made).exit_code == 141
    assert local.output(made.ref) == b"y\n"
