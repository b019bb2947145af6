"""Whether the configured bucket does all that the platform needs of it: tried out with one small object."""

import secrets
from collections.abc import Callable, Iterator

from jobs.exceptions import LogsAway
from jobs.logs.objects.bucket import Bucket

CONTENT = b"Written, read and removed by a check of the platform.\n"
FOLDER = "check"


class Failed(Exception):
    """What a step found."""


def probe(bucket: Bucket) -> Iterator[tuple[str, str]]:
    """Each step's name, and what is wrong; empty: nothing. Ends after the first step that fails."""
    key = f"{FOLDER}/{secrets.token_hex(8)}"
    for name, step in steps(bucket, key):
        problem = problem_of(step)
        yield name, problem
        if problem:
            return


def problem_of(step: Callable[[], None]) -> str:
    try:
        step()
    except LogsAway as exc:
        return str(exc.__cause__).partition("\n")[0]
    except FileNotFoundError as exc:
        return f"Not there: {exc}".partition("\n")[0]
    except Failed as exc:
        return str(exc)
    return ""


def steps(bucket: Bucket, key: str) -> list[tuple[str, Callable[[], None]]]:
    return [
        ("write", lambda: bucket.put(key, CONTENT)),
        ("size", lambda: same(bucket.size(key), len(CONTENT))),
        ("read", lambda: same(b"".join(bucket.chunks(key)), CONTENT)),
        ("read a range", lambda: same(bucket.read(key, 8, 20), CONTENT[8:20])),
        ("list", lambda: same(key in bucket.keys(FOLDER), True)),
        ("remove", lambda: bucket.remove(key)),
        ("list again", lambda: same(key in bucket.keys(FOLDER), False)),
    ]


def same(found: object, expected: object) -> None:
    if found != expected:
        raise Failed(f"{found!r} instead of {expected!r}")
