"""The broker (Redis), for what is never truth: wake-ups, and news for open pages.

BrokerAway    it does not answer, or did not a moment ago
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import redis
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.5
PAUSE_SECONDS = 1.0  # after a failure nobody waits for the broker again for so long

_closed_until = 0.0


class BrokerAway(Exception):
    """What was to be said is not said; whoever needs to know looks for itself."""


@cache
def client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),  # once, for a connection that a restart of the server left stale
    )


@contextmanager
def reached() -> Iterator[redis.Redis]:
    """The client. What fails in here raises BrokerAway, and so does the next second, at once: a broker that hangs
    delays one caller, not all."""
    global _closed_until
    if time.monotonic() < _closed_until:
        raise BrokerAway
    try:
        yield client()
    except (redis.RedisError, OperationalError, OSError) as exc:
        _closed_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("The broker does not answer (%s); sweeps and the agent take over.", exc)
        raise BrokerAway from exc
