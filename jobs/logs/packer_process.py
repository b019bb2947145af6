"""Starts the packer (packer.py) when there is something to do. For one process; safe for its threads."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings

import jobs
from jobs.logs import packer
from jobs.logs.objects import keeping

_lock = threading.Lock()
_running: "subprocess.Popen[bytes] | None" = None


def ensure(root: Path) -> None:
    """Does not wait for it. Where several processes do this at once, all but one packer end at once."""
    global _running
    with _lock:
        if (_running is None or _running.poll() is not None) and is_needed(root):
            _running = start(root)


def is_needed(root: Path) -> bool:
    return packer.is_needed(root) or keeping.is_needed(root)


def start(root: Path) -> "subprocess.Popen[bytes]":
    """Ends with the thread that this is called in."""
    command = [sys.executable, "-m", packer.__name__, str(root), str(os.getpid())]
    if settings.LOG_OBJECTS is not None:
        command.append(packer.BUCKET)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=Path(jobs.__path__[0]).parent)
