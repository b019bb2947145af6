"""Times as the API server writes them: whole seconds in most fields, microseconds in an event's eventTime."""

import time
from datetime import UTC, datetime
from functools import lru_cache


def now(ahead: float = 0.0) -> str:
    return write(int(time.time() + ahead))


@lru_cache(maxsize=16)
def write(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_micro() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
