"""What differs between specs of jobs: setting by setting for many, line by line for two. Pure."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_LINES = 4000  # of a spec that are compared line by line
ESCAPED_NEWLINE = re.compile(r"(?<!\\)(?:\\\\)*\\n(?!\")")
SCRIPT_INDENT = " " * 6


@dataclass(frozen=True, slots=True)
class Setting:
    path: str
    values: list[str | None]  # one a job; None where the job has no such setting

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class DiffLine:
    sign: str  # "+", "-", " ", or "…" between two places
    text: str


def settings_of(configs: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """Every setting that one of them has, in the order they are first met."""
    flat = [dict(flatten(config)) for config in configs]
    paths = dict.fromkeys(path for one in flat for path in one)
    return [Setting(path, [one.get(path) for one in flat]) for path in paths]


def flatten(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Lists of named things (variables, mounts) by their names, so that their order does not matter; a list of plain
    values is one value."""
    named = by_name(value)
    if named is not None:
        value = named
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flatten(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value):
        for index, inner in enumerate(value):
            yield from flatten(inner, f"{path}[{index}]")
    else:
        yield path, shown(value)


def by_name(value: object) -> dict[str, object] | None:
    """None unless it is a list of objects that all have names of their own."""
    if not isinstance(value, list) or not value:
        return None
    names = [one.get("name") if isinstance(one, Mapping) else None for one in value]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None
    return {
        str(name): {key: inner for key, inner in one.items() if key != "name"}
        for name, one in zip(names, value, strict=True)
    }


def shown(value: object) -> str:
    return value if isinstance(value, str) else unfolded(json.dumps(value, ensure_ascii=False))


def unfolded(text: str, indent: str = "") -> str:
    r"""JSON with a new line after each \n within its strings, so that a script is read, and compared, line by line."""
    return ESCAPED_NEWLINE.sub(lambda found: f"{found[0]}\n{indent}", text)


def line_diff(mine: str, other: str) -> list[DiffLine]:
    """Two JSON texts, from `other` to `mine`, with three lines around each change; empty when they are equal. Past
    4,000 lines nothing is compared."""
    before, after = (unfolded(text, SCRIPT_INDENT).splitlines()[:MOST_LINES] for text in (other, mine))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return [DiffLine("…", "") if line.startswith("@@") else DiffLine(line[0], line[1:]) for line in lines]
