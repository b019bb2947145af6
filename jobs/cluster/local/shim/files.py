"""The state files of a replica, and who may conclude what from them.

the directory locked with flock from before the shim is there until it has ended: a held lock is a live shim
started.json  there before the command can have any effect: who finds it never starts the command again
exit.json     how it ended; there once the log has its last byte
shim.err      what a shim died of that found a fault in itself
../stop       the attempt shall end, and grace milliseconds; there before the shim is signalled

A process that dies takes nothing of this with it; a power cut may take what was written last. That is why the creator
syncs attempt.json, which names the boot, before it hands over the spec: an attempt of another boot may have run, and is
not run again whatever the other files say. The shim syncs exit.json when all is done and nobody waits; of a log a power
cut may take the last seconds.
"""

import os

Value = str | int | None


def dump(values: dict[str, Value]) -> bytes:
    """One flat JSON object."""
    return ("{" + ", ".join(f"{quote(key)}: {show(value)}" for key, value in values.items()) + "}\n").encode("ascii")


def show(value: Value) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else quote(value)


def quote(text: str) -> str:
    return '"' + "".join(c if " " <= c <= "~" and c not in '"\\' else escape(ord(c)) for c in text) + '"'


def escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def write_once(directory: bytes, name: bytes, content: bytes) -> None:
    """FileExistsError when it is there already. A reader may see it empty."""
    fd = os.open(directory + b"/" + name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)


def replace(directory: bytes, name: bytes, content: bytes) -> None:
    """A reader sees the old or the new, never a part; only a power cut may leave an empty file (see sync)."""
    path = directory + b"/" + name
    temporary = path + b".%d.tmp" % os.getpid()
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)
    os.replace(temporary, path)  # noqa: PTH105 (pathlib is slow to import)


def sync(path: bytes) -> None:
    """What the file holds, and its name, survive a power cut from here on (on Linux's file systems a new file's name
    goes to the disk with it)."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_stop(state_dir: bytes) -> int | None:
    """The grace in milliseconds of a request to stop, None while there is none."""
    try:
        fd = os.open(os.path.dirname(state_dir) + b"/stop", os.O_RDONLY | os.O_CLOEXEC)  # noqa: PTH120
    except FileNotFoundError:
        return None
    try:
        return int(os.read(fd, 32) or b"0")
    finally:
        os.close(fd)
