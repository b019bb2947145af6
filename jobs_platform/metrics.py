"""What this process counts about itself, in Prometheus' text format (exposition format 0.0.4).

A dictionary and not prometheus_client: its import alone costs as much memory as everything here will ever hold.
"""

import platform
from collections import Counter
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


def render() -> str:
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
    ]
    return "\n".join(lines) + "\n"
