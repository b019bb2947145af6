"""What the launcher puts into the environment and on the disk before anything starts."""

import os
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from jobs_platform.launcher import environment
from jobs_platform.launcher.environment import Instance
from jobs_platform.launcher.instance import Refused, lock


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SECRET_KEY", "SECRET_KEY_FILE", "HOST", "PORT", "LOCAL_POOL_ENABLED", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.setenv(name, "")  # so that what is set meanwhile is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


def test_the_secret_key_is_made_once() -> None:
    environment.prepare()
    path = Path(os.environ["SECRET_KEY_FILE"])
    first = path.read_text()
    assert len(first) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    environment.prepare()
    assert path.read_text() == first


def test_a_given_secret_key_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "given")
    instance = environment.prepare()
    assert "SECRET_KEY_FILE" not in os.environ
    assert not (instance.data_dir / "secret_key").exists()


def test_defaults_are_this_machine_alone_with_the_local_pool() -> None:
    instance = environment.prepare()
    assert (instance.host, instance.port) == ("127.0.0.1", 8080)
    assert os.environ["LOCAL_POOL_ENABLED"] == "1"


def test_a_bad_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "70000")
    with pytest.raises(ImproperlyConfigured, match="PORT"):
        environment.prepare()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("box.example", "http://box.example:8080"),
    ],
)
def test_the_address_is_one_that_a_browser_here_can_open(host: str, url: str, tmp_path: Path) -> None:
    assert Instance(tmp_path, host, 8080).url == url


def test_the_data_directory_is_held_until_it_is_let_go() -> None:
    instance = environment.prepare()
    held = lock(instance.data_dir)
    with pytest.raises(Refused, match=str(os.getpid())):
        lock(instance.data_dir)
    os.close(held)
    os.close(lock(instance.data_dir))
