"""The double as a process of its own."""

import base64
import json
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.kube.client import eventually


def test_it_says_where_it_is_and_ends_when_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "tests.kube", "--port", "0", "--kubeconfig", str(path), "--simulate"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        config = json.loads(eventually(path.read_text))
        assert config["clusters"][0]["cluster"]["server"] == url
        token = config["users"][0]["user"]["token"]
        request = urllib.request.Request(f"{url}/version", headers={"Authorization": f"Bearer {token}"})
        context = ssl.create_default_context(cadata=authority(config))
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            assert json.load(answer)["gitVersion"] == "v1.36.0"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


def authority(config: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    return base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
