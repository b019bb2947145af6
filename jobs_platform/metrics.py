"""What this process counts about its own requests, and families of other numbers, in Prometheus' text format
(exposition format 0.0.4).

A dictionary and not prometheus_client: its import alone costs as much memory as everything here will ever hold.
"""

import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from threading import Lock

from jobs_platform.version import VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "jobs_platform_"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds


@dataclass(frozen=True, slots=True)
class Sample:
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""  # of the name, as a histogram's parts have one


@dataclass(frozen=True, slots=True)
class Family:
    """`kind`: counter, gauge or histogram. The labels of one family are few, whoever asks for what."""

    name: str
    meaning: str
    kind: str
    samples: Sequence[Sample]


@dataclass(slots=True)
class Durations:
    """How many took up to each bound, and more than the last."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


requests: Counter[tuple[str, int]] = Counter()
durations: dict[str, Durations] = {}
lock = Lock()


def count_request(method: str, status: int, seconds: float) -> None:
    """A made-up method counts as "other", so that nobody can grow the table from outside."""
    known = method if method in METHODS else "other"
    with lock:
        requests[known, status] += 1
        durations.setdefault(known, Durations()).add(seconds)


def own() -> Iterator[Family]:
    """Of this process alone."""
    build = {"version": VERSION, "python": platform.python_version()}
    yield Family("build_info", "The running version.", "gauge", [Sample(1, build)])
    with lock:
        counted, taken = sorted(requests.items()), sorted(durations.items())
        samples = [Sample(count, {"method": method, "status": str(status)}) for (method, status), count in counted]
        parts = [part for method, one in taken for part in histogram(one, {"method": method})]
    yield Family("http_requests_total", "Requests answered by this process.", "counter", samples)
    meaning = "What this process took for a request, but for the parts of a stream."
    yield Family("http_request_duration_seconds", meaning, "histogram", parts)


def histogram(one: Durations, labels: Mapping[str, str]) -> Iterator[Sample]:
    bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
    total = sum(one.buckets)
    for bound, count in zip(bounds, accumulate(one.buckets), strict=True):
        yield Sample(count, {**labels, "le": bound}, "_bucket")
    yield Sample(one.seconds, labels, "_sum")
    yield Sample(total, labels, "_count")


def render(families: Iterable[Family]) -> str:
    return "".join(f"{line}\n" for family in families for line in lines(family))


def lines(family: Family) -> Iterator[str]:
    name = PREFIX + family.name
    yield f"# HELP {name} {family.meaning}"
    yield f"# TYPE {name} {family.kind}"
    for sample in family.samples:
        labels = ",".join(f'{key}="{escaped(value)}"' for key, value in sample.labels.items())
        yield f"{name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {sample.value:.10g}"


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
