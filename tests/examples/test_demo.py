"""What the demo says when it cannot run."""

import os
import subprocess
import sys

from tests.examples.runs import EXAMPLES, SECONDS, free_port


def demo(**env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py")],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_it_says_how_to_start_an_instance_when_none_answers() -> None:
    port = str(free_port())
    done = demo(HOST="127.0.0.1", PORT=port)
    assert done.returncode == 1
    assert f"http://127.0.0.1:{port}" in done.stderr
    assert "make run" in done.stderr
    assert "Traceback" not in done.stderr
