"""When a reflector may list and watch again. Pure: the caller gives the time (seconds of a monotonic clock).

A full list is what costs an API server most, so there is one in `list_seconds` at most, whatever happens; when lists
follow each other without a quiet time between, they come further and further apart. A watch is cheap: it is begun
again at once when it ended as it should, and later and later when it fails or ends at once.
"""

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds. A watch asks the server to end it after about `watch`: in a quiet namespace its end
    is the only word from the server (bookmarks come once a minute), and jobs show as stale after 45. A silence of
    `margin` beyond that means that the connection is dead. `short`: a watch that ends sooner has not worked."""

    list_apart: float = 30.0
    list_apart_most: float = 120.0
    healthy: float = 60.0
    relist: float = 600.0
    watch: float = 20.0
    margin: float = 10.0
    short: float = 5.0
    pause: float = 0.5
    pause_most: float = 15.0


@dataclass(slots=True)
class Pace:
    timing: Timing = field(default_factory=Timing)
    jitter: random.Random = field(default_factory=random.Random)
    listed_at: float | None = None
    apart: float = 0.0
    relist_at: float = 0.0
    misses: int = 0
    before: tuple[float | None, float] = (None, 0.0)

    def until_list(self, now: float) -> float:
        """How long to wait before the next full list."""
        return 0.0 if self.listed_at is None else max(0.0, self.listed_at + self.apart - now)

    def listing(self, now: float) -> None:
        """A full list begins."""
        timing = self.timing
        quiet = self.listed_at is None or now - self.listed_at >= self.apart + timing.healthy
        doubled = timing.list_apart if quiet else min(timing.list_apart_most, 2 * max(self.apart, timing.list_apart))
        self.before = (self.listed_at, self.apart)
        self.apart = doubled * self.jitter.uniform(1.0, 1.2)
        self.listed_at = now
        self.relist_at = now + timing.relist * self.jitter.uniform(0.9, 1.1)

    def answered(self, now: float) -> None:
        """A page of it was answered, or failed: the time to the next list counts from here."""
        self.listed_at = now

    def not_asked(self) -> None:
        """The list that was begun never reached a server: it may be tried again after a mere pause."""
        self.listed_at, self.apart = self.before

    def relist_is_due(self, now: float) -> bool:
        return now >= self.relist_at

    def watch_seconds(self) -> int:
        return max(1, round(self.timing.watch * self.jitter.uniform(0.9, 1.1)))

    def worked(self) -> None:
        self.misses = 0

    def missed(self) -> float:
        """How long to pause after a request that failed, or a watch that ended at once."""
        pause = min(self.timing.pause_most, self.timing.pause * 2.0 ** min(self.misses, 16))
        self.misses += 1
        return pause * self.jitter.uniform(0.8, 1.2)
