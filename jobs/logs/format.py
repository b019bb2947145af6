"""The log format: append-only files for each pod. Pure; the local pool's shim writes the same bytes.

    <root>/<jobId>/<attempt>/<replica>/<container>.log          the output, byte for byte as printed
    <root>/<jobId>/<attempt>/<replica>/<container>.<base>.log   its continuation from that offset (20 digits) on
    <root>/<jobId>/<attempt>/<replica>/<container>.<base>.zst   a segment that grows no more, packed (packing.py)
    <root>/<jobId>/<attempt>/<replica>/<container>.idx          24-byte records `<QqII`: offset, time, length, flags
    <root>/<jobId>/<attempt>/<replica>/<container>.idx.zst      the same, packed, of a log that has its END

Once the output's last file, its last segment, is so large, the next bytes begin another. One that ends before the next
begins lost its end in a crash of the machine: readers are shown a line in its place. Of a file that is there both
packed and not, both are whole.

A record is written after the bytes it speaks of: `length` bytes from `offset` were read at `time` (nanoseconds since
1970, UTC). stdout and stderr share one pipe, so their order is exactly the program's. A line has the time of the record
that holds its first byte. Bytes after the last record (a writer killed between the two writes) belong to the last
record's time. A torn record at the end (size not a multiple of 24) is not there. Where a crash of the machine leaves
zeros they begin with a block, so on a multiple of eight bytes: the length of a record that they reach into is zero, and
it is not there either.

A log that the platform fetches from a cluster (captured.py) is cut back to what its records cover when a writer opens
it: the bytes after the last record, whose times nobody knows any more, are fetched again and are the same. So that the
place to go on from is exact whichever record is the last, a record's time there is exactly that of the line at its
offset. Times in the index never go back, so that they can be searched; the lines of a cluster's log may. By how much
the time of a record is later than its line's stands in its flags, above the two bits for the kind: up to 2^29 - 1 in
nanoseconds, from 2^29 on in whole seconds, rounded down.

A cursor is a byte offset into the whole output.
"""

import struct
from pathlib import Path

RECORD = struct.Struct("<QqII")
OUTPUT = 0  # the program's own bytes
MARKER = 1  # a line of the platform's own, such as a gap or the size limit
END = 2  # length 0: nothing more will come
KIND = 3  # the bits of the flags that tell these three apart
LAG_SHIFT = 2
LAG_IN_SECONDS = 1 << 29
CONTAINER = "main"
DIGITS = 20


def pod_dir(root: Path, job_id: str, attempt: int, replica: int) -> Path:
    return root / job_id / str(attempt) / str(replica)


def log_path(directory: Path, container: str = CONTAINER) -> Path:
    """Of the first segment."""
    return directory / segment_name(container, 0)


def segment_name(container: str, base: int) -> str:
    return f"{container}.{base:0{DIGITS}d}.log" if base else f"{container}.log"


def packed_name(container: str, base: int) -> str:
    return f"{container}.{base:0{DIGITS}d}.zst"


def index_name(container: str) -> str:
    return f"{container}.idx"


def packed_index_name(container: str) -> str:
    return f"{container}.idx.zst"


def base_of(container: str, name: str) -> int | None:
    """Where the segment in the file of this name begins; None when it is another kind of file."""
    middle, kind = name.removeprefix(f"{container}.").rpartition(".")[::2]
    if kind not in ("log", "zst") or (len(middle) != DIGITS and (middle or kind == "zst")):
        return None
    return int(middle or "0") if (middle or "0").isdecimal() else None


def index_path(directory: Path, container: str = CONTAINER) -> Path:
    return directory / index_name(container)


def lag_flags(lag_ns: int) -> int:
    if lag_ns < LAG_IN_SECONDS:
        return lag_ns << LAG_SHIFT
    return (LAG_IN_SECONDS | min(lag_ns // 1_000_000_000, LAG_IN_SECONDS - 1)) << LAG_SHIFT


def lag_ns(flags: int) -> int:
    """Of less than half a second exact, else less than a second short."""
    lag = flags >> LAG_SHIFT
    return lag if lag < LAG_IN_SECONDS else (lag - LAG_IN_SECONDS) * 1_000_000_000
