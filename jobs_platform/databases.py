"""DATABASE_URL to Django's DATABASES entry: `sqlite:///path`, `postgresql://user:password@host:port/name`."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def parse(url: str, *, synchronous: str = "FULL", pool_size: int = 8) -> dict[str, Any]:
    """`synchronous` is SQLite's: FULL keeps a commit through loss of power, NORMAL only through a process's death."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(url.removeprefix("sqlite:///"))), synchronous)
    if parts.scheme in ("postgres", "postgresql"):
        return postgresql(url, pool_size)
    raise ImproperlyConfigured(f"DATABASE_URL starts with {parts.scheme!r}: use sqlite:/// or postgresql://.")


def sqlite(path: Path, synchronous: str) -> dict[str, Any]:
    """WAL lets readers go on beside the one writer; IMMEDIATE takes the write lock at BEGIN, so that a transaction
    waits its turn (`patience`, seconds) instead of failing with "database is locked" half way."""
    return {
        "ENGINE": "jobs_platform.sqlite",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "patience": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA cache_size=-8000; "
                "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
            ),
        },
        "TEST": {"NAME": str(path.with_name("test-" + path.name))},
    }


def postgresql(url: str, pool_size: int) -> dict[str, Any]:
    """psycopg's own pool: persistent connections (CONN_MAX_AGE) pile up under ASGI until the server refuses more."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": pool_size, "timeout": 10}, **dict(parse_qsl(parts.query))},
    }
