"""Whether everything that the platform depends on is there and fit for it, each fault with its remedy."""

from collections.abc import Callable, Iterator

from jobs.doctor import database, processes, registry, storage
from jobs.findings import Finding, Level

Check = Callable[[], Iterator[Finding]]
CHECKS: tuple[tuple[str, Check], ...] = (
    ("database", database.findings),
    ("Redis", processes.redis),
    ("worker", processes.worker),
    ("disk", storage.disk),
    ("bucket", storage.bucket),
    ("secrets", registry.secrets),
    ("accounts", registry.accounts),
    ("due jobs", registry.due),
    ("pools", registry.pools),
)


def examine(checks: tuple[tuple[str, Check], ...] = CHECKS) -> list[Finding]:
    """Every check, whatever becomes of the others."""
    return [finding for subject, check in checks for finding in guarded(subject, check)]


def guarded(subject: str, check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as exc:  # noqa: BLE001 (the boundary of one check: it is told as its finding)
        said = str(exc).strip().partition("\n")[0]
        fix = "Put right what is named above first; then run this again."
        yield Finding(Level.PROBLEM, subject, f"{type(exc).__name__}: {said}", fix)
