"""What stands in a log in the place of bytes that are lost: a line that says so. Pure.

Offsets are cursors, so it has exactly the size of what is lost: spaces fill it up. The newlines around it keep it apart
from what was printed before and after."""


def in_place_of(size: int, said: str) -> bytes:
    """A newline, the line, and its end; as much of it as there is room for."""
    line = f"\n[platform] {size} bytes of this log are lost here: {said}".encode()
    return line[: max(0, size - 1)].ljust(size - 1) + b"\n" if size else b""
