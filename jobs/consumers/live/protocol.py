"""The messages of the live channel. Pure: used by the server and by tests, described for clients in docs/live.md.

Each message is a text frame with one JSON object that names its `operation`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import ClassVar

import orjson

from jobs.identifiers import JOB_ID

JOBS, POOLS = "jobs", "pools"
JOB = re.compile(rf"job:({JOB_ID.pattern})")
MOST_TOPICS = 16
MOST_JOBS = 200  # in one message; when more changed at once, a client reads everything again


class CloseCode(IntEnum):
    """1011 as RFC 6455's registry has it; 44xx after the HTTP status that means the same."""

    FAILED = 1011
    BAD_REQUEST = 4400
    NOT_AUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404


class BadMessage(Exception):
    """The client sent what is no message of this protocol. Its text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Topics:
    """What a client wants to hear of."""

    jobs: bool = False  # every job it may see
    pools: bool = False
    job_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ChangedJob:
    jobId: str
    status: str
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Watching:
    """The topics that hold from now on. What changed before is not told of: read it now."""

    operation: ClassVar[str] = "watching"
    topics: Sequence[str]


@dataclass(frozen=True, slots=True)
class Changed:
    """Something about these is not as it was: their status, reason, pods, events; or, of pools, who is in them."""

    operation: ClassVar[str] = "changed"
    jobs: Sequence[ChangedJob]
    pools: Sequence[str]


@dataclass(frozen=True, slots=True)
class Refresh:
    """Anything may have changed: too much did at once, or some of it was not heard of."""

    operation: ClassVar[str] = "refresh"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing was missed up to `time`. Without one for half a minute the connection is dead."""

    operation: ClassVar[str] = "heartbeat"
    time: str


@dataclass(frozen=True, slots=True)
class Error:
    """Why the connection is about to be closed: a code of the API's errors and a sentence for people."""

    operation: ClassVar[str] = "error"
    code: str
    message: str


ServerMessage = Watching | Changed | Refresh | Heartbeat | Error


def dump(message: ServerMessage) -> str:
    return orjson.dumps({"operation": message.operation, **asdict(message)}).decode()


def parse(text: str) -> Sequence[str]:
    """The topics of {"operation": "watch", "topics": […]}, which replace those before. Raises BadMessage."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise BadMessage("not JSON") from None
    topics = message.get("topics") if isinstance(message, dict) and message.get("operation") == "watch" else None
    if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
        raise BadMessage("not a watch")
    return topics


def read_topics(names: Sequence[str]) -> Topics:
    """Raises BadMessage."""
    if len(names) > MOST_TOPICS:
        raise BadMessage(f"more than {MOST_TOPICS} topics")
    job_ids = set()
    for name in names:
        if match := JOB.fullmatch(name):
            job_ids.add(match[1])
        elif name not in (JOBS, POOLS):
            raise BadMessage(f"no topic: {name[:64]}")
    return Topics(JOBS in names, POOLS in names, frozenset(job_ids))
