"""What this process counts about itself, and how well the pools are seen, in Prometheus' text format (exposition
format 0.0.4).

A dictionary and not prometheus_client: its import alone costs as much memory as everything here will ever hold.
"""

import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

from jobs_platform.version import VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
requests: Counter[tuple[str, int]] = Counter()
lock = Lock()


def count_request(method: str, status: int) -> None:
    """A made-up method counts as "other", so that nobody can grow the table from outside."""
    with lock:
        requests[method if method in METHODS else "other", status] += 1


@dataclass(frozen=True, slots=True)
class PoolGauges:
    """Ages in seconds; None where there is none."""

    name: str
    agent_age: float | None
    watch_age: float | None
    frozen: bool


def render(pools: Sequence[PoolGauges] = ()) -> str:
    with lock:
        counted = sorted(requests.items())
    lines = [
        "# HELP jobs_platform_build_info The running version.",
        "# TYPE jobs_platform_build_info gauge",
        f'jobs_platform_build_info{{version="{VERSION}",python="{platform.python_version()}"}} 1',
        "# HELP jobs_platform_http_requests_total Requests answered by this process.",
        "# TYPE jobs_platform_http_requests_total counter",
        *(
            f'jobs_platform_http_requests_total{{method="{method}",status="{status}"}} {count}'
            for (method, status), count in counted
        ),
        *gauge("pool_agent_age_seconds", "Since the pool's agent said that it works.", values(pools, "agent_age")),
        *gauge("pool_watch_age_seconds", "Since the pool's watch heard from its cluster.", values(pools, "watch_age")),
        *gauge("pool_frozen", "1 while too many jobs seem lost at once.", values(pools, "frozen")),
    ]
    return "\n".join(lines) + "\n"


def values(pools: Iterable[PoolGauges], name: str) -> list[tuple[str, float]]:
    return [(one.name, float(value)) for one in pools if (value := getattr(one, name)) is not None]


def gauge(name: str, meaning: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    """A pool's name is a slug: nothing in it needs escaping."""
    return [
        f"# HELP jobs_platform_{name} {meaning}",
        f"# TYPE jobs_platform_{name} gauge",
        *(f'jobs_platform_{name}{{pool="{pool}"}} {value:g}' for pool, value in samples),
    ]
