"""Runs the example scripts as a job would: as processes, in a working directory of their own."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SECONDS = 60


def start(script: str, *arguments: str, cwd: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / script), *arguments],
        cwd=cwd,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """The output of a process that must end well."""
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, output
    return output


def values(output: str, name: str) -> list[str]:
    return re.findall(rf"\b{name}=(\S+)", output)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def start_ranks(*arguments: str, cwd: Path, size: int = 2) -> list[subprocess.Popen[str]]:
    """The ranks, the last one first: it has to wait for rank 0."""
    port = str(free_port())
    ranks = [
        start(
            "train_distributed.py",
            *arguments,
            cwd=cwd,
            RANK=str(rank),
            WORLD_SIZE=str(size),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=port,
        )
        for rank in reversed(range(size))
    ]
    return ranks[::-1]
