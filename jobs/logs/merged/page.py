"""One answer from the logs of a job's replicas.

As for one pod: without limit_bytes and cursor it is the selection's last lines that are kept, else its first ones.
Here an answer is whole lines; a line that is not whole yet is left for the next time. An answer holds at least one
line, however small the bound, where there is one: a client that pages on gets further each time. Looking for a keyword
ends after merge.SCAN_BYTES of log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from jobs.logs.merged.cursor import JobCursor
from jobs.logs.merged.lines import Line, Style
from jobs.logs.merged.logs import OpenLogs
from jobs.logs.merged.merge import Scan, backwards, forwards, sources_of
from jobs.logs.merged.spans import JobQuery, Part, Spans, spans_of
from jobs.logs.selection import Query
from jobs.logs.store import LogStore


@dataclass(frozen=True, slots=True)
class JobPage:
    lines: list[Line]
    cursor: JobCursor
    total_bytes: int  # of all the logs that were looked at
    truncated: bool  # the bound left something out that was asked for
    complete: bool  # nothing more will come of what was asked for
    found: bool  # anything was ever written


def read_page(store: LogStore, parts: Sequence[Part], query: JobQuery, max_bytes: int, style: Style) -> JobPage:
    """`parts` in the order of their attempts."""
    scan, asked = Scan(), query.lines
    with OpenLogs(store) as logs:
        spans = spans_of(logs, parts, query)
        if query.cursor is None and asked.limit_bytes is None:
            lines, truncated = keep_last(last_lines(logs, spans, asked, scan), max_bytes, style)
            cursor = end_of(spans)
        else:
            chosen = (
                tail_of(logs, spans, asked, scan) if query.cursor is None and asked.tail_lines is not None else spans
            )
            limit = max_bytes if asked.limit_bytes is None else min(asked.limit_bytes, max_bytes)
            lines, cursor, cut = keep_first(logs, chosen, asked, limit, style, scan)
            truncated = cut and limit == max_bytes
        everything = list(chain.from_iterable(spans))
        return JobPage(
            lines,
            cursor,
            total_bytes=sum(span.size for span in everything),
            truncated=truncated or scan.is_over,
            complete=all(span.complete for span in everything) and cursor == end_of(spans),
            found=any(span.size for span in everything),
        )


def end_of(spans: Spans) -> JobCursor:
    """After everything that was asked for."""
    last = spans[-1]
    return JobCursor(last[0].key.attempt, {span.key.replica: span.end for span in last})


def last_lines(logs: OpenLogs, spans: Spans, query: Query, scan: Scan) -> Iterator[Line]:
    """The last one first, tail_lines of them at most."""
    left = query.tail_lines
    for of_attempt in reversed(spans):
        if left == 0 or scan.is_over:
            return
        for line in backwards(logs, of_attempt, query.keyword, scan):
            yield line
            left = None if left is None else left - 1
            if left == 0:
                return


def keep_last(last_first: Iterator[Line], max_bytes: int, style: Style) -> tuple[list[Line], bool]:
    """The last lines, and whether the bound left out any."""
    kept: list[Line] = []
    size = 0
    for line in last_first:
        size += style.size(line)
        if kept and size > max_bytes:
            return kept[::-1], True
        kept.append(line)
    return kept[::-1], False


def tail_of(logs: OpenLogs, spans: Spans, query: Query, scan: Scan) -> Spans:
    """The spans without what comes before the last tail_lines lines of all of them together."""
    starts = {span.key: span.end for span in chain.from_iterable(spans)}
    by_name = {(key.attempt, key.replica): key for key in starts}
    for line in last_lines(logs, spans, query, scan):
        starts[by_name[line.attempt, line.replica]] = line.start
    return [[replace(span, start=starts[span.key]) for span in of_attempt] for of_attempt in spans]


def keep_first(
    logs: OpenLogs, spans: Spans, query: Query, max_bytes: int, style: Style, scan: Scan
) -> tuple[list[Line], JobCursor, bool]:
    """The first lines, where to go on after them, and whether the bound left out any."""
    kept: list[Line] = []
    size = 0
    cursor = JobCursor(spans[0][0].key.attempt)
    for of_attempt in spans:
        sources = sources_of(logs, of_attempt, query.keyword)
        cut = False
        for source in forwards(sources, of_attempt, scan):
            assert source.head is not None  # what forwards() promises
            size += style.size(source.head)
            if kept and size > max_bytes:
                cut = True
                break
            kept.append(source.take())
        cursor = JobCursor(of_attempt[0].key.attempt, {source.key.replica: source.cursor for source in sources})
        if cut or scan.is_over:
            return kept, cursor, cut
    return kept, cursor, False
