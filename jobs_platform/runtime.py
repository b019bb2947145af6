"""Where the running processes of one instance meet: sockets under DATA_DIR/run."""

import hashlib
import os
import tempfile
from pathlib import Path

# sun_path of a Unix socket holds 108 bytes on Linux and 104 on macOS, with the closing NUL (unix(7)).
SOCKET_PATH_MAX = 100


def run_dir(data_dir: Path) -> Path:
    return data_dir / "run"


def socket_path(data_dir: Path, name: str) -> Path:
    """DATA_DIR/run/NAME, or, where that is too long for a socket, a directory of this user's named after DATA_DIR."""
    path = run_dir(data_dir) / name
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"jobs-platform-{os.getuid()}-{digest}" / name


def redis_socket(data_dir: Path) -> Path:
    return socket_path(data_dir, "redis.sock")


def hint_socket(data_dir: Path) -> Path:
    """The agent's datagram socket: shims of the local pool say there that something changed."""
    return socket_path(data_dir, "hints.sock")
