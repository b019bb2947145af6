"""The logs that one reader of many has open: the last few that it used, so that a thousand replicas do not take a
thousand times the file descriptors and buffers of one. Not for use by two threads at once."""

from collections import OrderedDict
from types import TracebackType

from jobs.logs.store import LogKey, LogNotFound, LogStore, PodLog

MOST = 32


class OpenLogs:
    def __init__(self, store: LogStore, most: int = MOST) -> None:
        self.store = store
        self._most = most
        self._open: OrderedDict[LogKey, PodLog] = OrderedDict()

    def get(self, key: LogKey) -> PodLog | None:
        """To be used at once, and not kept. None where nothing was ever written."""
        log = self._open.get(key)
        if log is None:
            try:
                log = self.store.open(key)
            except LogNotFound:
                return None
            self._open[key] = log
            if len(self._open) > self._most:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(key)
        return log

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> "OpenLogs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
