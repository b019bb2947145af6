"""A time scale: where moments are on a line from a job's first moment to its last, and the marks along it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from jobs.dashboard import times

MOST_TICKS = 6
STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * n for n in (1, 2, 5, 10, 15, 30)),
    *(3600 * n for n in (1, 2, 3, 6, 12)),
    *(86400 * n for n in (1, 2, 7, 14, 30, 90, 365)),
)  # seconds


@dataclass(frozen=True, slots=True)
class Tick:
    at: str  # a percentage, as SVG takes it
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Never 0: what is over at once still has a place."""
        return max((self.end - self.start).total_seconds(), 0.001)

    def share(self, moment: datetime) -> float:
        """0 to 100. What lies outside (clocks differ) is at the edge."""
        return min(max((moment - self.start).total_seconds() / self.seconds * 100, 0.0), 100.0)

    def ticks(self) -> list[Tick]:
        step = next((step for step in STEPS if self.seconds / step <= MOST_TICKS), STEPS[-1])
        places = takewhile(lambda second: second < self.seconds * 0.97, (step * n for n in range(10**6)))
        return [Tick(percent(second / self.seconds * 100), times.offset(second)) for second in places]


def percent(share: float) -> str:
    return f"{share:.3f}%"
