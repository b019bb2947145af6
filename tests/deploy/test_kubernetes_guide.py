"""docs/kubernetes.md: its commands work as they stand, its table has every option with its default."""

import base64
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from django.conf import settings

from jobs.cluster.kubernetes.check import ask
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.options import NAMES, PoolOptions
from tests.jobs.cluster.kubernetes.rights import ROLE
from tests.kube.server import ApiServer

GUIDE = settings.BASE_DIR / "docs" / "kubernetes.md"
ROW = re.compile(r"^\| `([A-Za-z]+)` \| (.*?) ?\| ", re.MULTILINE)


def documented() -> dict[str, str]:
    """Option → what the second column says."""
    table = GUIDE.read_text().split("## Options")[1].split("\n## ")[0]
    return dict(ROW.findall(table))


def test_the_table_has_every_option_and_no_other() -> None:
    assert list(documented()) == list(NAMES)


def test_the_defaults_of_the_table_are_those_of_the_code() -> None:
    told = documented()
    for field in fields(PoolOptions):
        said = told[{value: key for key, value in NAMES.items()}[field.name]]
        if field.default not in ("", (), None):
            assert said == f"`{field.default}`", field.name
        else:
            assert not re.fullmatch(r"`[^A-Z].*`", said), field.name


def test_its_commands_make_a_kubeconfig_that_the_check_likes(tmp_path: Path) -> None:
    """The token is put where a cluster's own controller would."""
    script = re.search(r"^```bash\n(# 1\..*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert script
    with ApiServer(simulate=True) as server:
        root = server.kubeconfig(
            tmp_path / "root", token=server.call(server.plane.users.add, "root", cluster_wide=True)
        )
        fill_token_secret(server, server.add_token(rules=ROLE))
        run(script[1], KUBECONFIG=str(root), KUBECONFIG_DIR=str(tmp_path / "kubeconfigs"))
        made = tmp_path / "kubeconfigs" / "training"
        assert made.stat().st_mode & 0o077 == 0
        options = PoolOptions(kubeconfig="training")
        facts = ask(Access(options=options, kubeconfig_dir=made.parent, connect_seconds=5.0, read_seconds=20.0))
    assert facts.failure == ""
    assert facts.namespace == "training"
    assert all(allowed for each, allowed in facts.allowed.items() if not each.optional)


def fill_token_secret(server: ApiServer, token: str) -> None:
    assert server.plane.tls
    data = {"token": base64.b64encode(token.encode()).decode(), "ca.crt": server.plane.tls.authority}
    kind = "kubernetes.io/service-account-token"
    server.create("secrets", {"metadata": {"name": "jobs-platform-token"}, "type": kind, "data": data})


def run(script: str, **variables: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=settings.BASE_DIR,
        env={**os.environ, **variables, "PATH": path},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
