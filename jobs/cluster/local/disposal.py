"""Removing directories that are already out of sight, in the background: on a busy disk that takes longer than all
else about forgetting an attempt, and nobody needs it done.

One thread for each process, started when it is first needed. What a process leaves behind that ends before it is done,
the next one to start such a thread removes; two that meet at one directory do no harm.
"""

import shutil
import threading
from pathlib import Path
from queue import SimpleQueue

_waiting: "SimpleQueue[Path]" = SimpleQueue()
_thread: threading.Thread | None = None
_lock = threading.Lock()


def dispose(hidden: Path) -> None:
    """Its siblings are to be removed as well."""
    global _thread
    with _lock:
        if _thread is None or not _thread.is_alive():  # as in a forked copy of this process
            for sibling in hidden.parent.iterdir():
                _waiting.put(sibling)
            _thread = threading.Thread(target=work, name="disposal", daemon=True)
            _thread.start()
        else:
            _waiting.put(hidden)


def work() -> None:
    while True:
        shutil.rmtree(_waiting.get(), ignore_errors=True)  # somebody else may be at it too
