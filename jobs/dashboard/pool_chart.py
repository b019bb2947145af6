"""Lines over time as an SVG's paths: drawn by the server, so that a page of pools needs no chart library. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

WIDTH, HEIGHT = 600, 72  # of the viewBox; the page stretches it
Point = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class Window:
    """The time shown. Two points further apart than `gap` seconds are not joined: nothing is known in between."""

    start: datetime
    end: datetime
    gap: float

    def x(self, moment: datetime) -> float:
        return WIDTH * ((moment - self.start) / (self.end - self.start))


@dataclass(frozen=True, slots=True)
class Series:
    name: Promise | str
    tone: str  # chooses colour and dashes
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Line:
    name: Promise | str
    tone: str
    path: str
    last: str


@dataclass(frozen=True, slots=True)
class Chart:
    title: Promise | str
    top: str
    start: datetime
    lines: list[Line]


def draw(title: Promise | str, series: Sequence[Series], window: Window, *, top: float = 0, unit: str = "") -> Chart:
    """`top`: what the upper edge stands for at least; it is as high as the largest value."""
    values = [value for one in series for _at, value in one.points]
    highest = max([top, 1, *values])
    lines = [
        Line(
            one.name, one.tone, path(one.points, window, highest), f"{one.points[-1][1]:g}{unit}" if one.points else "–"
        )
        for one in series
    ]
    return Chart(title, f"{highest:g}{unit}", window.start, lines)


def path(points: Sequence[Point], window: Window, highest: float) -> str:
    """The d of an SVG path. What lies outside the window is left out."""
    parts: list[str] = []
    before: datetime | None = None
    for at, value in points:
        if not window.start <= at <= window.end:
            continue
        joined = before is not None and (at - before).total_seconds() <= window.gap
        parts.append(f"{'L' if joined else 'M'}{window.x(at):.1f} {HEIGHT * (1 - value / highest):.1f}")
        before = at
    return "".join(parts)
