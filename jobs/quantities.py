"""Amounts of CPU and memory as Kubernetes writes them: `500m`, `1.5`, `512Mi`, `4Gi`. Pure."""

import re
from decimal import Decimal

NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)([A-Za-z]{0,2})", re.ASCII)
MEMORY_UNITS = {
    "": 1,
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
    "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50,
}  # fmt: skip
BINARY = [("Pi", 1 << 50), ("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)]
LARGEST = 1 << 60


def cpu_millis(text: str) -> int:
    """Thousandths of a CPU: "2" is 2000, "500m" is 500. ValueError for anything else, zero included."""
    number, unit = split(text)
    if unit not in ("", "m"):
        raise ValueError(text)
    return whole(number if unit == "m" else number * 1000, text)


def memory_bytes(text: str) -> int:
    """Bytes: "512Mi" is 536870912, "1G" is 1000000000. ValueError for anything else, zero included."""
    number, unit = split(text)
    if unit not in MEMORY_UNITS:
        raise ValueError(text)
    return whole(number * MEMORY_UNITS[unit], text)


def split(text: str) -> tuple[Decimal, str]:
    match = NUMBER.fullmatch(text)
    if not match:
        raise ValueError(text)
    return Decimal(match[1]), match[2]


def whole(number: Decimal, text: str) -> int:
    if not 0 < number <= LARGEST:
        raise ValueError(text)
    return int(number.to_integral_value(rounding="ROUND_UP"))


def show_memory(amount: int) -> str:
    """`1.5 GiB`: at most one decimal, binary units."""
    for unit, size in BINARY:
        if amount >= size:
            return f"{amount / size:.1f}".removesuffix(".0") + f" {unit}B"
    return f"{amount} B"


def show_cpu(millis: int) -> str:
    return f"{millis / 1000:.3f}".rstrip("0").rstrip(".")
