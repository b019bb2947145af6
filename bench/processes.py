"""The processes of the instance that is measured, where they run on this machine."""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit


def resident(pid: int) -> int:
    """In bytes; 0 for no process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if pid else 0


def listener(url: str) -> int:
    """The process of this machine that listens on the address's port; 0 when there is none that may be looked at."""
    port = f":{urlsplit(url).port or 0:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(port) and row[3] == "0A"}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if os.readlink(link) in sockets:  # noqa: PTH115 (not a path of a file)
                return int(link.parts[2])
    return 0
