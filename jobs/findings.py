"""What a check found, as an operator reads it: what is fine, what is worth knowing, what must be put right and how."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "OK"
    NOTE = "note"  # not known, or worth knowing; no job fails of it
    PROBLEM = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    subject: str
    text: str
    fix: str = ""


def has_problem(found: Iterable[Finding]) -> bool:
    return any(finding.level is Level.PROBLEM for finding in found)


def as_text(found: Sequence[Finding]) -> str:
    """A table for a terminal, what to do under the row it is about."""
    width = max(len(finding.subject) for finding in found)
    lines: list[str] = []
    for finding in found:
        lines.append(f"{finding.level:8} {finding.subject:{width}}  {finding.text}")
        lines += [f"{'':8} {'':{width}}  → {finding.fix}"] if finding.fix else []
    return "\n".join(lines)
