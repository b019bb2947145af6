"""A real server of the S3 protocol, in a thread of the tests' process, and a bucket on it for each test."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from moto.server import ThreadedMotoServer

from jobs.identifiers import new_job_id
from jobs.logs.format import pod_dir
from jobs.logs.objects import shelf
from jobs.logs.objects.bucket import Bucket
from jobs.logs.objects.cache import BlockCache
from jobs_platform.object_storage import ObjectStorage


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Its address."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def where(server: str) -> ObjectStorage:
    name = f"logs-{secrets.token_hex(6)}"
    assert requests.put(f"{server}/{name}", timeout=10).ok
    return ObjectStorage(
        bucket=name, prefix="platform/logs", endpoint=server, access_key_id="somebody", secret_access_key="secret"
    )


@pytest.fixture
def bucket(where: ObjectStorage) -> Bucket:
    return Bucket(where)


@pytest.fixture
def away(where: ObjectStorage) -> ObjectStorage:
    """Nobody listens at its address."""
    return replace(where, endpoint="http://127.0.0.1:9")


@pytest.fixture
def configured(where: ObjectStorage, settings: Any, monkeypatch: pytest.MonkeyPatch) -> ObjectStorage:
    """The platform is told of the bucket, and has read nothing from it yet."""
    settings.LOG_OBJECTS = where
    monkeypatch.setattr(shelf, "cache", BlockCache())
    return where


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Of one pod's log."""
    path = pod_dir(tmp_path / "logs", new_job_id(), 1, 0)
    path.mkdir(parents=True)
    return path
