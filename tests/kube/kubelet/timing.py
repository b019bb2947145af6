"""How long things take on the double's node, and what its kubelet is set to."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Timing:
    """In seconds; each is shorter than on a real node, so that tests do not wait. May be changed while it runs."""

    pull: float = 0.0
    ready: float = 0.05  # from a container's start to the Ready condition; about 1 on a real node
    retry: float = 0.2  # between two looks for a Secret that is missing; about 10
    pull_backoff: float = 0.3  # the first back-off after a failed pull, doubled each time; 10 to 300
    pull_backoff_most: float = 5.0
    follow_end: float = 0.1  # from a container's end to the end of its followed log; about 1
    kill_all: float = 5.0  # how long the dying of a container's processes is waited for
    log_bytes: int = 10 << 20  # a log is rotated when it is larger (containerLogMaxSize)
    # What a follow does when its file is rotated away: all three were seen on real nodes.
    at_rotation: Literal["go on", "end", "stall"] = "go on"
    clock_ns: Callable[[], int] = time.time_ns  # of the log
