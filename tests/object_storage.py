"""A real server of the S3 protocol, in a thread of the tests' process, and a bucket on it for each test: fixtures."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from moto.server import ThreadedMotoServer

from jobs.logs.objects import shelf
from jobs.logs.objects.bucket import Bucket
from jobs.logs.objects.cache import BlockCache
from jobs_platform.object_storage import ObjectStorage


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Its address."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def where(s3_server: str) -> ObjectStorage:
    name = f"logs-{secrets.token_hex(6)}"
    assert requests.put(f"{s3_server}/{name}", timeout=10).ok
    return ObjectStorage(
        bucket=name, prefix="platform/logs", endpoint=s3_server, access_key_id="somebody", secret_access_key="secret"
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
