"""Facts about processes, from /proc where there is one (Linux); other systems answer "not known"."""

import os

PROC = b"/proc"


def read(path: bytes, limit: int = 1 << 16) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, limit)
    finally:
        os.close(fd)


def boot_id() -> str:
    """Differs from one start of the machine to the next; empty where the system does not tell."""
    try:
        return read(PROC + b"/sys/kernel/random/boot_id").decode().strip()
    except OSError:
        return ""


def stat_fields(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the state (field 3) on; empty when there is no such process."""
    try:
        return read(PROC + b"/%d/stat" % pid).rpartition(b")")[2].split()
    except OSError:
        return []


def start_ticks(pid: int) -> int:
    """When the process began, in clock ticks since the boot: with the boot id, a pid that is never used twice. 0 is
    "no such process, or a zombie, or not known"."""
    fields = stat_fields(pid)
    return int(fields[19]) if fields and fields[0] not in (b"Z", b"X") else 0


def processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir(PROC) if name.isdigit()]  # noqa: PTH208
    except OSError:
        return []


def children(pid: int) -> list[int]:
    """The kernel may leave out one that is born while it looks: who must miss none looks again."""
    found: list[int] = []
    try:
        for task in os.listdir(PROC + b"/%d/task" % pid):  # noqa: PTH208
            found += [int(child) for child in read(PROC + b"/%d/task/%s/children" % (pid, task)).split()]
    except OSError:
        return found  # it ended meanwhile
    return found


def children_by_scan(pid: int) -> list[int]:
    """The same for a kernel built without the `children` files."""
    return [other for other in processes() if stat_fields(other)[1:2] == [b"%d" % pid]]


def descendants(pid: int) -> list[int]:
    """Every process under `pid`, parents before their children."""
    look = children if os.path.exists(PROC + b"/%d/task/%d/children" % (pid, pid)) else children_by_scan  # noqa: PTH110
    found = look(pid)
    for child in found:
        found += look(child)
    return found


def memory_in_use(pids: list[int]) -> int:
    """Bytes resident in these processes together; pages they share count once in each."""
    return sum(resident(pid) for pid in pids)


def resident(pid: int) -> int:
    try:
        return int(read(PROC + b"/%d/statm" % pid).split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0  # it ended meanwhile


def proportional(pid: int) -> int:
    """Like resident(), shared pages divided among their users. Slow for large processes; 0 when not told."""
    try:
        lines = read(PROC + b"/%d/smaps_rollup" % pid).splitlines()
    except OSError:
        return resident(pid)
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:")), 0)
