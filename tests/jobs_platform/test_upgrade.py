"""A database with jobs of an earlier version is brought to today's schema with nothing lost."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.db import connection

from tests.upgrading import JOBS, STATUSES

NAME = "upgraded"


@pytest.fixture
def database(db: None, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process on an empty database of the kind that the tests run on."""
    if connection.vendor == "sqlite":
        yield {"DATA_DIR": str(tmp_path)}
        return
    import psycopg

    given = connection.get_connection_params()
    with psycopg.connect(host=given.get("host"), user=given["user"], dbname="postgres", autocommit=True) as server:
        name = f"{NAME}_{os.getpid()}"
        server.execute(f"CREATE DATABASE {name}".encode())
        host = urlencode({"host": given.get("host", "")}, quote_via=quote, safe="")
        yield {"DATA_DIR": str(tmp_path), "DATABASE_URL": f"postgresql://{given['user']}@/{name}?{host}"}
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def upgraded(database: dict[str, str]) -> dict[str, Any]:
    environment = {**os.environ, "SECRET_KEY": "x" * 50, **database}
    done = subprocess.run(
        [sys.executable, "-m", "tests.upgrading"], cwd=settings.BASE_DIR, env=environment,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_jobs_counts_and_search_are_as_before(upgraded: dict[str, Any]) -> None:
    assert upgraded["jobs"] == [[f"resnet run {number:03d}", {"n": str(number)}, 1] for number in range(JOBS)]
    assert upgraded["counts"] == {status: JOBS // len(STATUSES) for status in STATUSES}
    assert upgraded["matching"] == 10
    assert upgraded["defaults"] == [""]
