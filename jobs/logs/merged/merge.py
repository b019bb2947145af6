"""Lines of many replicas in one order: the next one is always the first of those that each replica comes with next."""

import heapq
from collections.abc import Iterator, Sequence

from jobs.logs.merged.back import Backwards
from jobs.logs.merged.lines import Line
from jobs.logs.merged.logs import OpenLogs
from jobs.logs.merged.source import Source, Step, block_size
from jobs.logs.merged.spans import Span

SCAN_BYTES = 256 << 20


class Scan:
    """How much log may be looked through for one answer; only for a keyword it is ever that much."""

    def __init__(self, budget: int = SCAN_BYTES) -> None:
        self._budget = budget
        self.is_over = False  # and something was left out for it

    def allows(self, scanned: int) -> bool:
        self.is_over = self.is_over or scanned > self._budget
        return not self.is_over


def sources_of(logs: OpenLogs, spans: Sequence[Span], keyword: bytes) -> list[Source]:
    block = block_size(len(spans))
    return [Source(logs, span.key, span.start, block=block, keyword=keyword) for span in spans]


def forwards(sources: Sequence[Source], spans: Sequence[Span], scan: Scan) -> Iterator[Source]:
    """The sources with the next line as their head, which the caller takes. Where it stops, their cursors are where to
    go on."""
    ends = {id(source): span.end for source, span in zip(sources, spans, strict=True)}

    def has_line(source: Source) -> bool:
        while (step := source.step(ends[id(source)], finished=True)) is Step.MORE:
            if not scan.allows(sum(one.scanned for one in sources)):
                return False
        return step is Step.LINE

    heap = []
    for number, source in enumerate(sources):
        if has_line(source):
            heap.append((source.head, number))
        if scan.is_over:
            return
    heapq.heapify(heap)
    while heap:
        source = sources[heap[0][1]]
        yield source
        if has_line(source):
            heapq.heapreplace(heap, (source.head, heap[0][1]))
        else:
            heapq.heappop(heap)
        if scan.is_over:
            return


class Last:
    """Lines in the order from the last one on."""

    def __init__(self, line: Line, rest: Iterator[Line | None]) -> None:
        self.line = line
        self.rest = rest

    def __lt__(self, other: "Last") -> bool:
        return self.line > other.line


def backwards(logs: OpenLogs, spans: Sequence[Span], keyword: bytes, scan: Scan) -> Iterator[Line]:
    """The spans' lines, the last one first."""
    block = block_size(len(spans))
    replicas = [Backwards(logs, span.key, span.start, span.end, block=block, keyword=keyword) for span in spans]

    def last_of(rest: Iterator[Line | None]) -> Line | None:
        for line in rest:
            if line is not None:
                return line
            if not scan.allows(sum(one.scanned for one in replicas)):
                return None
        return None

    heap: list[Last] = []
    for replica in replicas:
        rest = iter(replica)
        if line := last_of(rest):
            heap.append(Last(line, rest))
        if scan.is_over:
            return
    heapq.heapify(heap)
    while heap:
        top = heap[0]
        yield top.line
        following = last_of(top.rest)
        if following:
            heapq.heapreplace(heap, Last(following, top.rest))
        else:
            heapq.heappop(heap)
        if scan.is_over:
            return
