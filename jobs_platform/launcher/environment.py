"""The environment of an instance: what is not set gets its embedded default before Django's settings are read."""

import ctypes
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from jobs_platform import env
from jobs_platform.runtime import redis_socket, run_dir

BASE_DIR = Path(__file__).resolve().parent.parent.parent
M_ARENA_MAX = -8  # malloc.h of glibc
ARENAS = 2


@dataclass(frozen=True)
class Instance:
    data_dir: Path
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"


def prepare() -> Instance:
    """Make the data directory and complete the environment. Raises ImproperlyConfigured naming a bad variable."""
    data_dir = Path(env.text("DATA_DIR", str(BASE_DIR / ".local"))).expanduser().resolve()
    for directory in (
        data_dir,
        run_dir(data_dir),
        redis_socket(data_dir).parent,
        data_dir / "redis",
        data_dir / "static",
    ):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["DATA_DIR"] = str(data_dir)
    os.environ["DJANGO_SETTINGS_MODULE"] = "jobs_platform.settings"
    if not env.flag("PRODUCTION", False):
        os.environ.setdefault("LOCAL_POOL_ENABLED", "1")
    if not env.text("SECRET_KEY"):
        os.environ["SECRET_KEY_FILE"] = str(secret_key_file(data_dir))
    limit_arenas()
    return Instance(data_dir, env.text("HOST", "127.0.0.1"), env.integer("PORT", 8080, minimum=1, maximum=65535))


def secret_key_file(data_dir: Path) -> Path:
    """DATA_DIR/secret_key, made once: sessions, tokens and job secrets of an instance depend on it."""
    path = data_dir / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    return path


def limit_arenas() -> None:
    """Ask glibc for few malloc arenas, here and in what is forked from here: else each thread gets its own, whose
    freed memory the others cannot use."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt:
            mallopt(M_ARENA_MAX, ARENAS)
