"""Runs pytest on a throw-away PostgreSQL server: `python -m tests.postgresql -- ARGUMENTS OF PYTEST`.

The binaries are Debian's, or any on the PATH. The server listens on a Unix socket in a directory of its own and is
gone with the run. Started by root it runs as another user, as it refuses to run as root.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

DEBIAN = Path("/usr/lib/postgresql")
USER = "platform"
START_SECONDS = 30.0
SETTINGS = {"listen_addresses": "", "max_connections": "50", "shared_buffers": "128MB"}
# Of a server that may lose everything.
LOSING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def binaries() -> Path | None:
    """The directory of the newest server there is."""
    versions = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: float(path.parent.parent.name))
    if versions:
        return versions[-1].parent
    found = shutil.which("postgres")
    return Path(found).parent if found else None


def account() -> pwd.struct_passwd | None:
    """Whom the server runs as; None is "who started this"."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """The DATABASE_URL of a server that lives as long as the block. A durable one keeps a commit through loss of power,
    as in production. Raises FileNotFoundError where there is none."""
    directory = binaries()
    if directory is None:
        raise FileNotFoundError("no PostgreSQL server: install Debian's postgresql, or put one on the PATH")
    place = Path(tempfile.mkdtemp(prefix="postgresql-"))
    owner = account()
    if owner:
        os.chown(place, owner.pw_uid, owner.pw_gid)
    process = None
    try:
        data = place / "data"
        run([directory / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"], owner)
        process = start(directory, data, place, owner, {} if durable else LOSING)
        run([directory / "createdb", "-h", place, "-U", USER, "platform"], owner)
        yield f"postgresql://{USER}@/platform?host={quote(str(place), safe='')}"
    finally:
        if process:
            process.send_signal(signal.SIGINT)  # a fast shutdown
            process.wait(timeout=30)
        shutil.rmtree(place, ignore_errors=True)


def start(
    directory: Path, data: Path, sockets: Path, owner: pwd.struct_passwd | None, more: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Waits until it answers. Raises RuntimeError with its log when it does not."""
    settings = [part for name, value in (SETTINGS | more).items() for part in ("-c", f"{name}={value}")]
    log = (sockets / "log").open("wb")
    process = subprocess.Popen(
        [directory / "postgres", "-D", data, "-k", sockets, *settings],
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=sockets,
        **who(owner),
    )
    deadline = time.monotonic() + START_SECONDS
    ready = [directory / "pg_isready", "-q", "-h", sockets]
    while process.poll() is None and subprocess.run(ready, check=False).returncode:
        if time.monotonic() > deadline:
            process.kill()
            break
        time.sleep(0.05)
    if process.poll() is not None:
        raise RuntimeError((sockets / "log").read_text())
    return process


def run(command: list[str | Path], owner: pwd.struct_passwd | None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **who(owner))
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr}")


def who(owner: pwd.struct_passwd | None) -> dict[str, object]:
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server goes too
    with server() as url:
        environment = {**os.environ, "DATABASE_URL": url}
        return subprocess.run([sys.executable, "-m", "pytest", *arguments], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
