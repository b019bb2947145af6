"""The variables LOG_OBJECT_*: what they mean, and which values stop the start."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from jobs_platform.object_storage import from_environment

NAMES = (
    "LOG_OBJECT_URL",
    "LOG_OBJECT_ENDPOINT",
    "LOG_OBJECT_REGION",
    "LOG_OBJECT_ACCESS_KEY_ID",
    "LOG_OBJECT_SECRET_ACCESS_KEY",
    "LOG_OBJECT_ADDRESSING",
    "LOG_OBJECT_CA",
)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_without_a_url_there_is_no_bucket() -> None:
    assert from_environment() is None


def test_a_url_names_bucket_and_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_OBJECT_URL", "s3://our-logs/training/prod/")
    found = from_environment()
    assert found
    assert (found.bucket, found.prefix, found.endpoint, found.region) == ("our-logs", "training/prod", "", "us-east-1")


def test_a_secret_may_come_from_a_file_and_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush-hush\n")
    monkeypatch.setenv("LOG_OBJECT_URL", "s3://our-logs")
    monkeypatch.setenv("LOG_OBJECT_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("LOG_OBJECT_SECRET_ACCESS_KEY_FILE", str(tmp_path / "secret"))
    found = from_environment()
    assert found
    assert found.secret_access_key == "hush-hush"
    assert "hush-hush" not in repr(found) + str(found)


@pytest.mark.parametrize(
    "url",
    [
        "our-logs",
        "http://our-logs",
        "s3://",
        "s3:///a",
        "s3://UPPER",
        "s3://logs/a//b",
        "s3://logs/../b",
        "s3://logs/a?b",
    ],
)
def test_another_form_of_url_stops_the_start(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_OBJECT_URL", url)
    with pytest.raises(ImproperlyConfigured, match="LOG_OBJECT_URL"):
        from_environment()


@pytest.mark.parametrize("endpoint", ["minio.example.com", "ftp://minio", "https://", "https://key:secret@minio"])
def test_another_form_of_endpoint_stops_the_start_without_being_shown(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_OBJECT_URL", "s3://our-logs")
    monkeypatch.setenv("LOG_OBJECT_ENDPOINT", endpoint)
    with pytest.raises(ImproperlyConfigured, match="LOG_OBJECT_ENDPOINT") as raised:
        from_environment()
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["LOG_OBJECT_ACCESS_KEY_ID", "LOG_OBJECT_SECRET_ACCESS_KEY"])
def test_half_a_key_stops_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_OBJECT_URL", "s3://our-logs")
    monkeypatch.setenv(name, "x")
    with pytest.raises(ImproperlyConfigured, match="LOG_OBJECT_SECRET_ACCESS_KEY"):
        from_environment()
