"""What the launcher leaves out of its services: PostgreSQL's driver only where the database is another."""

from typing import Any

from jobs_platform.launcher import preload


def test_the_driver_of_postgresql_is_there_when_the_database_is_one(settings: Any) -> None:
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
    assert preload.POSTGRESQL_DRIVER not in preload.unused()


def test_it_is_left_out_with_sqlite(settings: Any) -> None:
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
    assert preload.POSTGRESQL_DRIVER in preload.unused()
