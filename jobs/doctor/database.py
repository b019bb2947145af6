"""The database: that it answers, quickly, with the schema of this version; that it takes writes; that clocks agree."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import DatabaseError, connection, transaction

from accounts.models import Project
from jobs.findings import Finding, Level
from jobs_platform import health

SUBJECT = "database"
SAMPLES = 9
SLOW_MS = 20.0
CLOCK_SECONDS = 2.0
MOST_USED = 0.8  # of PostgreSQL's connections


def findings() -> Iterator[Finding]:
    try:
        milliseconds = round_trip()
    except DatabaseError as exc:
        fix = "Start the database, or correct DATABASE_URL. Nothing works without it."
        yield Finding(Level.PROBLEM, SUBJECT, str(exc).strip().partition("\n")[0], fix)
        return
    yield answers(milliseconds)
    yield schema()
    yield takes_writes()
    if connection.vendor == "postgresql":
        yield from of_postgresql()


def round_trip() -> float:
    """Milliseconds, the median of several."""
    seconds = []
    with connection.cursor() as cursor:
        for _ in range(SAMPLES):
            began = time.perf_counter()
            cursor.execute("SELECT 1")
            cursor.fetchone()
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000


def answers(milliseconds: float) -> Finding:
    version = ".".join(str(part) for part in connection.get_database_version())
    text = f"{connection.display_name} {version} answers in {milliseconds:.1f} ms"
    if milliseconds <= SLOW_MS:
        return Finding(Level.OK, SUBJECT, text)
    return Finding(Level.NOTE, SUBJECT, text, "Every request asks it several times: bring it nearer.")


def schema() -> Finding:
    missing = health.unapplied()
    if not missing:
        return Finding(Level.OK, SUBJECT, "its schema is this version's")
    named = ", ".join(sorted(f"{app}.{name}" for app, name in missing))
    return Finding(Level.PROBLEM, SUBJECT, f"migrations are missing: {named}", "Run manage.py migrate.")


def takes_writes() -> Finding:
    try:
        with transaction.atomic():
            Project.objects.filter(pk=-1).update(name="")
    except DatabaseError as exc:
        fix = "Point DATABASE_URL at the primary, or free space on the database's disk."
        return Finding(Level.PROBLEM, SUBJECT, f"takes no writes: {exc}".strip().partition("\n")[0], fix)
    return Finding(Level.OK, SUBJECT, "takes writes")


def of_postgresql() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
            "current_setting('max_connections')::int"
        )
        now, used, most = cursor.fetchone()
    yield clock(abs((now - datetime.now(UTC)).total_seconds()))
    yield connections(used, most)


def clock(seconds: float) -> Finding:
    text = f"its clock is {seconds:.1f} s from this machine's"
    if seconds <= CLOCK_SECONDS:
        return Finding(Level.OK, SUBJECT, text)
    return Finding(Level.PROBLEM, SUBJECT, text, "Let both machines keep time by NTP: leases and limits compare them.")


def connections(used: int, most: int) -> Finding:
    text = f"{used} of {most} connections are used"
    if used < most * MOST_USED:
        return Finding(Level.OK, SUBJECT, text)
    fix = "Raise max_connections, or lower DATABASE_POOL_SIZE: each process may use that many."
    return Finding(Level.PROBLEM, SUBJECT, text, fix)
