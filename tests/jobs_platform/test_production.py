"""What PRODUCTION=1 refuses, and that no process gets past it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from jobs_platform.production import Posture, problems, require_safe

ROOT = Path(__file__).resolve().parents[2]
SECRET = "k3Jx9-vQ2mPzR7tYwB4nL8sD1fG6hA0cE5uXoIqZrTjMbVyNpW"
SAFE = Posture(
    debug=False,
    secret_key=SECRET,
    allowed_hosts=["jobs.example.org"],
    trusted_origins=["https://jobs.example.org"],
    public_url="https://jobs.example.org",
    behind_tls_proxy=True,
    trusted_proxies=1,
    database_engine="django.db.backends.postgresql",
    web_processes=2,
    local_pool=False,
    local_pool_consent=False,
)
ENVIRONMENT = {
    "PRODUCTION": "1",
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "jobs.example.org",
    "PUBLIC_URL": "https://jobs.example.org",
    "BEHIND_TLS_PROXY": "1",
    "TRUSTED_PROXY_COUNT": "1",
}


def test_sound_settings_are_taken() -> None:
    require_safe(SAFE)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"debug": True}, "DEBUG"),
        ({"secret_key": SECRET[:40]}, "SECRET_KEY"),
        ({"secret_key": "ab" * 40}, "SECRET_KEY"),
        ({"secret_key": "insecure-" + SECRET}, "SECRET_KEY"),
        ({"allowed_hosts": ["jobs.example.org", "*"]}, "ALLOWED_HOSTS"),
        ({"allowed_hosts": [".example.org"]}, "ALLOWED_HOSTS"),
        ({"trusted_origins": ["https://*.example.org"]}, "CSRF_TRUSTED_ORIGINS"),
        ({"public_url": ""}, "PUBLIC_URL"),
        ({"public_url": "http://jobs.example.org"}, "PUBLIC_URL"),
        ({"behind_tls_proxy": False}, "BEHIND_TLS_PROXY"),
        ({"trusted_proxies": 0}, "TRUSTED_PROXY_COUNT"),
        ({"database_engine": "jobs_platform.sqlite"}, "WEB_PROCESSES"),
        ({"local_pool": True}, "LOCAL_POOL_CONSENT"),
    ],
)
def test_each_unsafe_setting_is_named_alone(change: dict[str, object], named: str) -> None:
    found = list(problems(replace(SAFE, **change)))  # type: ignore[arg-type]
    assert len(found) == 1
    assert named in found[0]


@pytest.mark.parametrize(
    "change",
    [
        {"database_engine": "jobs_platform.sqlite", "web_processes": 1},
        {"local_pool": True, "local_pool_consent": True},
    ],
)
def test_what_was_agreed_to_is_taken(change: dict[str, object]) -> None:
    assert not list(problems(replace(SAFE, **change)))  # type: ignore[arg-type]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        require_safe(replace(SAFE, debug=True, public_url="", trusted_proxies=0))
    assert str(refused.value).count("\n  - ") == 3


def start(tmp_path: Path, *command: str, **changed: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, **ENVIRONMENT, "DATA_DIR": str(tmp_path), **changed}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command", [["manage.py", "check"], ["manage.py", "agent"], ["-m", "celery", "-A", "jobs_platform", "worker"]]
)
def test_no_process_starts_with_unsafe_settings(tmp_path: Path, command: list[str]) -> None:
    ended = start(tmp_path, *command, ALLOWED_HOSTS="*")
    assert ended.returncode != 0
    assert "ALLOWED_HOSTS has a wildcard" in ended.stderr


def test_the_settings_say_what_they_are(tmp_path: Path) -> None:
    assert start(tmp_path, "manage.py", "check").returncode == 0
