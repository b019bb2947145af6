"""The part of a file that a request asks for with Range, RFC 9110. Pure.

One range is answered. Several at once, another unit or a header that makes no sense count as none, as the RFC lets a
server choose: the whole file is then answered.
"""

import re
from dataclasses import dataclass

RANGE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """The file has no byte of the range: 416."""


@dataclass(frozen=True, slots=True)
class Part:
    """[start, end) of a file."""

    start: int
    end: int


def part_of(header: str, size: int) -> Part | None:
    """None: the whole. Raises Unsatisfiable."""
    match = RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    first, last = match.groups()
    if not first:
        part = Part(max(0, size - int(last)), size)
    else:
        if last and int(last) < int(first):
            return None
        part = Part(int(first), min(size, int(last) + 1 if last else size))
    if part.start >= part.end:
        raise Unsatisfiable
    return part
