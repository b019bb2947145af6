"""R14: many processes write at once, and none is told that the database is locked."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_django
from django.db import OperationalError

from jobs_platform import databases
from jobs_platform.sqlite.base import DatabaseWrapper

WRITER = """
import sys, django
from django.conf import settings
from jobs_platform import databases
settings.configure(DATABASES={"default": databases.parse("sqlite:///" + sys.argv[1])})
django.setup()
from django.db import connection, transaction
for turn in range(50):
    if turn % 2:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT total FROM tally")
            total = cursor.fetchone()[0]
            cursor.execute("UPDATE tally SET total = %s", [total + 1])
    else:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE tally SET total = total + 1")
"""


def connect(path: Path, patience: float = 30) -> DatabaseWrapper:
    settings = databases.parse(f"sqlite:///{path}")
    settings["OPTIONS"]["patience"] = patience
    defaults = {
        "TIME_ZONE": None,
        "CONN_HEALTH_CHECKS": False,
        "AUTOCOMMIT": True,
        "USER": "",
        "PASSWORD": "",
        "HOST": "",
    }
    return DatabaseWrapper({**defaults, "PORT": "", "ATOMIC_REQUESTS": False, **settings}, "own")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    database = tmp_path / "db.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE tally (total integer)")
        connection.execute("INSERT INTO tally VALUES (0)")
    return database


def test_twenty_writers_all_get_their_turn_and_no_write_is_lost(path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(20)]
    assert [writer.communicate()[1] for writer in writers] == [""] * 20
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT total FROM tally").fetchone() == (20 * 50,)


def test_patience_has_an_end(path: Path, django_db_blocker: pytest_django.DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        outlast(path)


def outlast(path: Path) -> None:
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA journal_mode=WAL")
    waiter = connect(path, patience=0.05)
    waiter.ensure_connection()
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"), waiter.cursor() as cursor:
        cursor.execute("UPDATE tally SET total = 9")
    holder.execute("ROLLBACK")
    with waiter.cursor() as cursor:
        cursor.execute("UPDATE tally SET total = 9")
    waiter.close()
    holder.close()
