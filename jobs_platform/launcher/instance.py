"""One launcher a data directory, one listener an address: refused at once, with what to do instead."""

import fcntl
import os
import socket
from pathlib import Path

from jobs_platform.launcher.environment import Instance
from jobs_platform.runtime import run_dir


class Refused(Exception):
    """The instance cannot start; the text says why and what to do."""


def lock(data_dir: Path) -> int:
    """Hold DATA_DIR for as long as the returned descriptor is open. Children must not inherit it open, or they would
    hold it beyond the launcher's end."""
    path = run_dir(data_dir) / "launcher.pid"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(descriptor, 32).decode().strip() or "unknown"
        os.close(descriptor)
        raise Refused(
            f"An instance already runs on {data_dir} (process {owner}). "
            "Stop it, or give this one another DATA_DIR and PORT."
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def check_address(instance: Instance) -> None:
    family = socket.AF_INET6 if ":" in instance.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((instance.host.strip("[]"), instance.port))
        except OSError as exc:
            raise Refused(
                f"Cannot listen on {instance.host} port {instance.port}: {exc.strerror}. "
                "Stop what uses it, or choose another with PORT=8081 make run."
            ) from exc
