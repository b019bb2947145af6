"""Redis and the worker: without either, changes show later, and no job is lost."""

import time
from collections.abc import Iterator

import redis as client
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from jobs.findings import Finding, Level

TIMEOUT_SECONDS = 2.0
QUEUE = "celery"
LONG_QUEUE = 100
KEEPS = "noeviction"


def connected() -> client.Redis:
    limits = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    return client.Redis.from_url(settings.REDIS_URL, decode_responses=True, **limits)


def redis() -> Iterator[Finding]:
    subject = "Redis"
    with connected() as server:
        began = time.perf_counter()
        try:
            server.ping()
        except client.RedisError as exc:
            fix = "Start it, or correct REDIS_URL. Until then changes are noticed by the sweeps alone."
            yield Finding(Level.PROBLEM, subject, str(exc), fix)
            return
        milliseconds = (time.perf_counter() - began) * 1000
        found = server.info()
        version = found.get("valkey_version") or found.get("redis_version")
        yield Finding(Level.OK, subject, f"version {version} answers in {milliseconds:.1f} ms")
        yield from policy(str(found.get("maxmemory_policy", KEEPS)), subject)
        yield from queue(server.llen(QUEUE), subject)


def policy(found: str, subject: str) -> Iterator[Finding]:
    if found != KEEPS:
        fix = f"Set maxmemory-policy {KEEPS}: a queue from which entries vanish wakes nobody."
        yield Finding(Level.PROBLEM, subject, f"drops keys when memory is short ({found})", fix)


def queue(length: int, subject: str) -> Iterator[Finding]:
    if length > LONG_QUEUE:
        fix = "Start more workers, or look into the workers' log for what holds them up."
        yield Finding(Level.PROBLEM, subject, f"{length} tasks wait for a worker", fix)


def worker() -> Iterator[Finding]:
    subject = "worker"
    try:
        answered = current_app.control.ping(timeout=TIMEOUT_SECONDS)
    except (OperationalError, client.RedisError, OSError) as exc:
        yield Finding(Level.NOTE, subject, f"cannot be asked: {exc}", "Redis first.")
        return
    names = sorted(name for one in answered for name in one)
    if names:
        yield Finding(Level.OK, subject, f"{len(names)} answer: {', '.join(names)}")
        return
    fix = "Start one: celery -A jobs_platform worker -P threads. One that is busy may answer on another try."
    yield Finding(Level.PROBLEM, subject, f"none answers within {TIMEOUT_SECONDS:g} s", fix)
