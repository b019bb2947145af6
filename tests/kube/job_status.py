"""A Job's status: its counters, its completed indexes, its conditions."""

from collections.abc import Iterable

from tests.kube import clock
from tests.kube.records import Obj

FINAL = ("Complete", "Failed")


def condition(status: Obj, kind: str) -> Obj | None:
    return next((each for each in status.get("conditions") or () if each["type"] == kind), None)


def is_true(status: Obj, kind: str) -> bool:
    found = condition(status, kind)
    return found is not None and found["status"] == "True"


def is_finished(status: Obj) -> bool:
    return any(is_true(status, kind) for kind in FINAL)


def set_condition(status: Obj, kind: str, value: str, reason: str, message: str) -> bool:
    """Whether that changed anything."""
    found = condition(status, kind)
    if found and found["status"] == value and found.get("reason") == reason:
        return False
    if found:
        status["conditions"].remove(found)
    now = clock.now()
    entry = {"type": kind, "status": value, "lastProbeTime": now, "lastTransitionTime": now}
    status.setdefault("conditions", []).append({**entry, "reason": reason, "message": message})
    return True


def set_count(status: Obj, name: str, value: int) -> None:
    """Counters that are zero are left out."""
    status.pop(name, None)
    if value:
        status[name] = value


def write_indexes(indexes: Iterable[int]) -> str:
    """`0,2-5`: what completedIndexes says."""
    spans: list[list[int]] = []
    for index in sorted(indexes):
        if spans and spans[-1][1] == index - 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)


def read_indexes(text: str) -> set[int]:
    found: set[int] = set()
    for span in filter(None, text.split(",")):
        low, _, high = span.partition("-")
        found.update(range(int(low), int(high or low) + 1))
    return found
