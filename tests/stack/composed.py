"""docker-compose.yml without containers: the same commands with the same variables and secrets, as processes of this
machine, with a real PostgreSQL, a real Redis-protocol server and the real proxy.

What differs, and nothing else: names of containers become addresses here, /run/secrets, /data and /kubeconfigs become
directories, and the proxy is told the web processes' addresses where Docker's name server would tell it.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from jobs_platform.launcher.redis_server import binary
from tests.processes import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
CADDYFILE = ROOT / "deploy" / "compose" / "Caddyfile"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
UPSTREAM = re.compile(r"\t\tdynamic a \{.*?\n\t\t\}\n", re.DOTALL)
ORDER = ("worker", "beat", "agent")
WEB_ADDRESSES = ("127.0.0.1", "127.0.0.2")


def interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """As docker compose does: ${NAME}, ${NAME:-default} and ${NAME:?complaint}."""
    if isinstance(value, Mapping):
        return {name: interpolated(one, variables) for name, one in value.items()}
    if isinstance(value, list):
        return [interpolated(one, variables) for one in value]
    if not isinstance(value, str):
        return value
    return VARIABLE.sub(lambda found: resolved(found, variables), value)


def resolved(found: "re.Match[str]", variables: Mapping[str, str]) -> str:
    name, kind, text = found.groups()
    value = variables.get(name, "") or (text if kind == "-" else "")
    assert value, f"{name}: {text}"
    return value


@dataclass
class Composed:
    directory: Path
    database_url: str
    site: str = "localhost"
    https_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    web_port: int = field(default_factory=free_port)
    redis_port: int = field(default_factory=free_port)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("secrets", "data", "kubeconfigs", "proxy"):
            (self.directory / name).mkdir(parents=True)
        self.admin_password = secrets.token_urlsafe(12)
        values = {
            "secret_key": secrets.token_hex(32),
            "database_url": self.database_url,
            "admin_password": self.admin_password,
        }
        for name, value in values.items():
            (self.directory / "secrets" / name).write_text(value)
        variables = {"SITE": self.site}
        self.services: dict[str, Any] = interpolated(yaml.safe_load(COMPOSE.read_text())["services"], variables)

    @property
    def url(self) -> str:
        return f"https://{self.site}:{self.https_port}"

    @property
    def authority(self) -> Path:
        """The certificate of the proxy's own authority."""
        return self.directory / "proxy" / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def environment(self, service: str, **own: str) -> dict[str, str]:
        given = {name: self.placed(str(value)) for name, value in self.services[service]["environment"].items()}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        image = {"DATA_DIR": str(self.directory / "data"), "PYTHONUNBUFFERED": "1"}
        return {**kept, **image, **given, "PUBLIC_URL": self.url, **own}

    def placed(self, value: str) -> str:
        value = value.replace("/run/secrets/", f"{self.directory / 'secrets'}/")
        value = value.replace("redis://redis:6379", f"redis://127.0.0.1:{self.redis_port}")
        return str(self.directory / "kubeconfigs") if value == "/kubeconfigs" else value

    def command(self, service: str) -> list[str]:
        first, *rest = self.services[service]["command"]
        programs = {"python": [sys.executable], "celery": [sys.executable, "-m", "celery"]}
        if first == "sh":
            return [first, *(word.replace("python ", f"{sys.executable} ") for word in rest)]
        return [*programs.get(first, [str(binary())]), *rest]

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment("web"), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def spawn(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=dict(environment), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def start(self) -> "Composed":
        redis = [*self.command("redis"), "--port", str(self.redis_port), "--bind", "127.0.0.1"]
        self.spawn("redis", redis, {"PATH": os.environ["PATH"]})
        migrate = subprocess.run(
            self.command("migrate"), cwd=ROOT, env=self.environment("migrate"), capture_output=True, text=True,
            timeout=180, check=False,
        )  # fmt: skip
        assert migrate.returncode == 0, migrate.stdout + migrate.stderr
        for number in range(len(WEB_ADDRESSES)):
            self.start_web(number)
        for name in ORDER:
            self.spawn(name, self.command(name), self.environment(name))
        self.start_proxy()
        wait_until(self.is_ready, 60, "the stack's start")
        return self

    def start_web(self, number: int) -> None:
        own = {"HOST": WEB_ADDRESSES[number], "PORT": str(self.web_port)}
        self.spawn(f"web-{number}", self.command("web"), self.environment("web", **own))

    def start_proxy(self) -> None:
        text = CADDYFILE.read_text()
        upstreams = " ".join(f"{address}:{self.web_port}" for address in WEB_ADDRESSES)
        text, replaced = UPSTREAM.subn(f"\t\tto {upstreams}\n", text)
        assert replaced == 1
        path = self.directory / "Caddyfile"
        path.write_text(text)
        given = {name: str(value) for name, value in self.services["proxy"]["environment"].items()}
        environment = {
            **given,
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "XDG_DATA_HOME": str(self.directory / "proxy"),
            "XDG_CONFIG_HOME": str(self.directory / "proxy"),
            "HTTP_PORT": str(self.http_port),
            "HTTPS_PORT": str(self.https_port),
        }
        caddy = Path(sys.executable).with_name("caddy")
        self.spawn("proxy", [str(caddy), "run", "--config", str(path), "--adapter", "caddyfile"], environment)

    def is_ready(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended:\n{(self.directory / f'{name}.log').read_text()}"
        if not self.authority.exists():
            return False
        try:
            return requests.get(f"{self.url}/readyz", verify=str(self.authority), timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def stop(self, name: str) -> int:
        """As docker stops a container; the exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(float(str(self.services[name.split("-")[0]].get("stop_grace_period", "20s")).rstrip("s")))

    def close(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
