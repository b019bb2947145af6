"""The log format: two append-only files for each pod. Pure; the local pool's shim writes the same bytes.

    <root>/<jobId>/<attempt>/<replica>/<container>.log   the output, byte for byte as printed
    <root>/<jobId>/<attempt>/<replica>/<container>.idx   24-byte records `<QqII`: offset, time, length, flags

A record is written after the bytes it speaks of: `length` bytes from `offset` were read at `time` (nanoseconds since
1970, UTC). stdout and stderr share one pipe, so their order is exactly the program's. A line has the time of the record
that holds its first byte. Bytes after the last record (a writer killed between the two writes) belong to the last
record's time. A torn record at the end (size not a multiple of 24) is not there.

A cursor is a byte offset into the .log file.
"""

import struct
from pathlib import Path

RECORD = struct.Struct("<QqII")
OUTPUT = 0  # the program's own bytes
MARKER = 1  # a line of the platform's own, such as a gap or the size limit
END = 2  # length 0: nothing more will come
CONTAINER = "main"


def pod_dir(root: Path, job_id: str, attempt: int, replica: int) -> Path:
    return root / job_id / str(attempt) / str(replica)


def log_path(directory: Path, container: str = CONTAINER) -> Path:
    return directory / f"{container}.log"


def index_path(directory: Path, container: str = CONTAINER) -> Path:
    return directory / f"{container}.idx"
