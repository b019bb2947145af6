"""The commands of the quick start, as a newcomer pastes them, and the demo."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 110


def quick_start(readme: str) -> str:
    blocks = re.findall(r"^```bash\n(.*?)^```$", (ROOT / readme).read_text(), re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if "/api/jobs/create" in block)


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_commands_of_the_quick_start_work(stack: Stack, readme: str) -> None:
    env = {**os.environ, "URL": stack.url, "ADMIN_PASSWORD": stack.password}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", quick_start(readme)],
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r'"success": *false', done.stdout), done.stdout
    assert "webTerminalUrl" in done.stdout
    assert len(re.findall(r"^step \d+$", done.stdout, re.MULTILINE)) > 5
    assert "任务已停止" in done.stdout
    assert "任务已删除" in done.stdout


def test_the_demo_trains_both_examples_and_follows_their_logs(stack: Stack) -> None:
    env = {**os.environ, "DEMO_URL": stack.url, "DATA_DIR": str(stack.data_dir), "DEMO_STEPS": "150"}
    for name in ("SECRET_KEY", "ADMIN_PASSWORD", "API_TOKEN"):
        env.pop(name, None)
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    losses = [float(loss) for loss in re.findall(r"^step=\d+ loss=(\S+)", done.stdout, re.MULTILINE)]
    assert losses[-1] < losses[0]
    assert len(re.findall(r"Succeeded after", done.stdout)) == 2
    sums = re.findall(r"^\[([01])\] .*checksum=(\w+)", done.stdout, re.MULTILINE)
    assert sorted(rank for rank, _ in sums) == ["0", "1"]
    assert len({checksum for _, checksum in sums}) == 1
