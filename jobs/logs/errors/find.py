"""The line that explains a failure, out of the ends of the replicas' logs."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from jobs.logs.errors.groups import Seen, of_all, of_replica
from jobs.logs.errors.rules import candidates
from jobs.logs.merged.lines import Times
from jobs.logs.store import LogKey, LogNotFound, LogStore, PodLog

BUDGET = 32 << 20  # bytes that are read of all replicas together, but for the least of each
LEAST, MOST = 64 << 10, 8 << 20  # of one replica


def first_error(store: LogStore, keys: Sequence[LogKey]) -> Seen | None:
    """Of the replicas of one attempt. Reads the end of each log, 64 KiB to 8 MiB. None where no line looks like an
    error, or nothing was printed. Raises what the logs raise."""
    size = max(LEAST, min(MOST, BUDGET // max(1, len(keys))))
    found = (of_replica(list(seen(store, key, size))) for key in keys)
    return of_all(one for one in found if one is not None)


def seen(store: LogStore, key: LogKey, size: int) -> Iterator[Seen]:
    try:
        log = store.open(key)
    except LogNotFound:
        return
    with closing(log):
        start, data = end_of(log, size)
        times = Times(log, start, start + len(data))
        for one in candidates(data):
            at = start + one.start
            if not times.is_marker(at):
                yield Seen(key.replica, at, start + one.end, times.at(at), one.kind, one.rank)


def end_of(log: PodLog, size: int) -> tuple[int, bytes]:
    """Whole lines, and where they begin."""
    start = max(0, log.size() - size)
    data = log.read(start, size)
    cut = data.find(b"\n") + 1 if start else 0
    return start + cut, data[cut:]
