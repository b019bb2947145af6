"""What goes wrong on purpose. Set from any thread, by the tests or over POST /_control/faults.

A fault applies to the requests that fit it, for a number of times or a while or until it is removed:

status            answered with that status and a Status body, nothing done
drop              the connection closes, nothing done
drop_after        the request takes effect, then the connection closes without an answer
delay             held up for some seconds, then served
silence           never answered; what a watch or another stream has begun sends nothing more
empty_list        a list answers 200 with no items
list_without_items  a list answers 200 and lacks `items`
watch_eof         watches end cleanly after so many seconds
watch_gone        watches begin with the ERROR event of code 410
"""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.kube.requests_seen import Info

ON_REQUESTS = ("status", "drop", "drop_after", "delay", "silence")
ACTIONS = (*ON_REQUESTS, "empty_list", "list_without_items", "watch_eof", "watch_gone")


@dataclass(frozen=True, slots=True)
class Fault:
    """Empty `verb`, `resource` (`pods`, `pods/log`) and `path` (a regular expression) fit every request."""

    action: str
    verb: str = ""
    resource: str = ""
    path: str = ""
    count: int | None = None  # how many requests; None: no limit
    duration: float | None = None  # seconds from when it is set; None: no limit
    status: int = 500
    reason: str = "InternalError"
    message: str = "Internal error occurred: it was asked for"
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()

    def fits(self, info: Info) -> bool:
        return (
            self.verb in ("", info.verb)
            and self.resource in ("", info.full_resource)
            and (not self.path or re.search(self.path, info.path) is not None)
        )

    def body(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.status,
        }


@dataclass(slots=True)
class Active:
    fault: Fault
    until: float
    left: float
    number: int


@dataclass(slots=True)
class Faults:
    lock: threading.Lock = field(default_factory=threading.Lock)
    active: dict[int, Active] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    changed: Callable[[], object] = lambda: None  # watches that wait look again

    def add(self, fault: Fault) -> int:
        """Its number, by which it can be removed."""
        if fault.action not in ACTIONS:
            raise ValueError(fault.action)
        number = next(self.numbers)
        until = time.monotonic() + fault.duration if fault.duration is not None else float("inf")
        with self.lock:
            left = float("inf") if fault.count is None else fault.count
            self.active[number] = Active(fault, until, left, number)
        self.changed()
        return number

    def remove(self, number: int) -> None:
        with self.lock:
            self.active.pop(number, None)
        self.changed()

    def clear(self) -> None:
        with self.lock:
            self.active.clear()
        self.changed()

    @contextmanager
    def applied(self, fault: Fault) -> Iterator[None]:
        number = self.add(fault)
        try:
            yield
        finally:
            self.remove(number)

    def take(self, info: Info, *actions: str) -> Fault | None:
        """The oldest fault of these kinds that fits the request; uses up one of its count."""
        with self.lock:
            found = self.first(info, actions)
            if found:
                found.left -= 1
            return found.fault if found else None

    def look(self, info: Info, *actions: str) -> Fault | None:
        """The same, using up nothing."""
        with self.lock:
            found = self.first(info, actions)
            return found.fault if found else None

    def first(self, info: Info, actions: tuple[str, ...]) -> Active | None:
        now = time.monotonic()
        for number in [one.number for one in self.active.values() if one.until <= now or one.left <= 0]:
            del self.active[number]
        return next((one for one in self.active.values() if one.fault.action in actions and one.fault.fits(info)), None)

    def answer(self, status: int, **where: Any) -> int:
        return self.add(Fault("status", status=status, **where))

    def drop(self, **where: Any) -> int:
        return self.add(Fault("drop", **where))

    def drop_after(self, **where: Any) -> int:
        return self.add(Fault("drop_after", **where))

    def delay(self, seconds: float, **where: Any) -> int:
        return self.add(Fault("delay", seconds=seconds, **where))

    def silence(self, **where: Any) -> int:
        return self.add(Fault("silence", **where))

    def empty_lists(self, **where: Any) -> int:
        return self.add(Fault("empty_list", **where))

    def lists_without_items(self, **where: Any) -> int:
        return self.add(Fault("list_without_items", **where))

    def watch_eof(self, seconds: float, **where: Any) -> int:
        return self.add(Fault("watch_eof", seconds=seconds, **where))

    def watch_gone(self, **where: Any) -> int:
        return self.add(Fault("watch_gone", **where))
