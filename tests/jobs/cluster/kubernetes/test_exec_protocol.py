"""How the result of a remote command reads, in each protocol's words, and the scripts that run in a pod."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from jobs.cluster.base import EXEC_MARK
from jobs.cluster.kubernetes import exec_protocol as protocol
from jobs.cluster.kubernetes import exec_scripts as scripts
from tests.processes import is_running


def status(**fields: object) -> bytes:
    return json.dumps({"metadata": {}, **fields}).encode()


@pytest.mark.parametrize("text", ["command terminated with exit code 3", "error executing command [sh], exit code 3"])
def test_the_exit_code_is_read_from_the_causes_and_not_from_the_text(text: str) -> None:
    causes = [{"reason": "Other", "message": "9"}, {"reason": "ExitCode", "message": "3"}]
    said = status(status="Failure", reason="NonZeroExitCode", message=text, details={"causes": causes})
    assert protocol.result_of(said) == protocol.Result(3)


def test_success_is_zero() -> None:
    assert protocol.result_of(status(status="Success")) == protocol.Result(0)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            status(status="Failure", reason="InternalError", message="no\tsuch\x1b[31m file", code=500),
            "no such [31m file",
        ),
        (status(status="Failure", details={"causes": [{"reason": "ExitCode", "message": "x"}]}), "could not be run"),
        (b"plain \xff text", "plain"),
        (b"[]", "[]"),
    ],
)
def test_what_could_not_be_run_says_why(said: bytes, why: str) -> None:
    result = protocol.result_of(said)
    assert result.code == 127
    assert why in result.why


def test_frames_begin_with_their_channel() -> None:
    assert protocol.stdin(b"ls\n") == b"\x00ls\n"
    assert protocol.resize(cols=120, rows=32) == b'\x04{"Width":120,"Height":32}'


SHELLS = [each for each in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(each[0])]


@pytest.fixture(params=SHELLS, ids=lambda shell: str(shell[0]))
def sh(request: pytest.FixtureRequest) -> list[str]:
    made: list[str] = request.param
    return made


def run(sh: list[str], argv: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*sh, *argv[1:]], capture_output=True, timeout=30, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def start(mark: str, *command: str, **more: str) -> subprocess.Popen[bytes]:
    env = {**more, **os.environ, EXEC_MARK: mark}
    return subprocess.Popen(command, env=env, start_new_session=True, stdout=subprocess.PIPE)


def test_the_script_ends_what_carries_the_mark_and_nothing_else(
    sh: list[str], started: list[subprocess.Popen[bytes]]
) -> None:
    stubborn = start("mine-7.", "sh", "-c", "trap '' HUP TERM; echo up; while :; do sleep 1; done")
    quiet = start("mine-7.", "sleep", "600", LINES="a\nb", ODD="* ? $(id)")
    other = start("mine-77.", "sleep", "600")
    started += [stubborn, quiet, other]
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    done = run(sh, scripts.end(["mine-7.", "nobody's."]))
    assert done.returncode == 0
    assert int(done.stdout) >= 3
    assert stubborn.wait(10) == -9
    assert quiet.wait(10) in (-1, -15)  # hung up, or, where hang-ups are ignored as under nohup, asked to end
    assert is_running(other.pid)
    assert run(sh, scripts.end(["mine-7."])).stdout == b"0\n"


def test_the_script_reads_no_word_as_a_command(sh: list[str]) -> None:
    env = {"A": "$(id) `id` '\" ;", "B": "two\nlines", EXEC_MARK: "x."}
    argv = scripts.enter(["printenv", "A", "B", "TERM", EXEC_MARK, "LANG"], env)
    shown = run(sh, argv, env={"PATH": os.environ["PATH"]}).stdout.decode()
    assert shown == "$(id) `id` '\" ;\ntwo\nlines\nxterm-256color\nx.\nC.UTF-8\n"


def test_an_image_keeps_its_own_language(sh: list[str]) -> None:
    env = {"PATH": os.environ["PATH"], "LANG": "zh_CN.UTF-8"}
    assert run(sh, scripts.enter(["printenv", "LANG"], {}), env=env).stdout == b"zh_CN.UTF-8\n"


def test_without_a_command_it_is_a_shell(sh: list[str]) -> None:
    done = run(sh, scripts.enter([], {}), input=b"echo it is $TERM; exit 4\n")
    assert (done.stdout, done.returncode) == (b"it is xterm-256color\n", 4)
