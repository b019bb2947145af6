"""The files of the production stack say what they should, held against the kept checkers of their formats."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT: Path = settings.BASE_DIR
COMPOSE = ROOT / "docker-compose.yml"
OURS = {"migrate", "web", "worker", "beat", "agent"}


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def passes(*command: str, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_compose_is_what_its_schema_says() -> None:
    passes(program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE))


def test_the_image_is_built_as_is_good_practice() -> None:
    passes(program("hadolint"), "Dockerfile")


def test_the_proxy_takes_its_configuration(tmp_path: Path) -> None:
    file = str(ROOT / "deploy" / "compose" / "Caddyfile")
    environment = {"SITE": "jobs.example.org", "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    passes(program("caddy"), "validate", "--config", file, "--adapter", "caddyfile", **environment)


def test_every_image_is_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        image, _colon, tag = service["image"].partition(":")
        assert tag, name
        assert tag not in ("latest", "stable"), image


def test_our_processes_have_no_rights_to_lose(services: dict[str, Any]) -> None:
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
    assert "\nUSER 10001" in (ROOT / "Dockerfile").read_text()


def test_no_secret_is_in_a_variable(services: dict[str, Any]) -> None:
    for service in services.values():
        for variable in service.get("environment", {}):
            assert not any(word in variable for word in ("PASSWORD", "SECRET", "DATABASE_URL")) or variable.endswith(
                "_FILE"
            )


def test_the_image_holds_what_the_code_needs() -> None:
    """Whatever is tracked beside the packages, and read by them, is copied."""
    copied = {line.split()[1].rstrip("/") for line in (ROOT / "Dockerfile").read_text().splitlines() if "COPY " in line}
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name in ("accounts", "jobs", "jobs_platform", "locale", "static", "templates", "manage.py"):
        assert name in copied
        assert f"!{name}" in ignored


def test_preparing_twice_keeps_what_is_there(tmp_path: Path) -> None:
    place = tmp_path / "deploy" / "compose"
    place.mkdir(parents=True)
    for name in (".env.example", "deploy/compose/prepare.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    passes("/bin/sh", str(place / "prepare.sh"), "jobs.example.org")
    first = {path.name: path.read_text() for path in (place / "secrets").iterdir()}
    passes("/bin/sh", str(place / "prepare.sh"), "other.example.org")
    assert {path.name: path.read_text() for path in (place / "secrets").iterdir()} == first
    assert set(first) == {"secret_key", "postgres_password", "admin_password", "database_url"}
    assert first["postgres_password"] in first["database_url"]
    assert len(first["secret_key"]) >= 50
    assert "SITE=jobs.example.org" in (tmp_path / ".env").read_text()
    assert (place / "secrets").stat().st_mode & 0o077 == 0


def test_preparing_needs_a_name(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "deploy/compose/prepare.sh")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "host name" in done.stderr
