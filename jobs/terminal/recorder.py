"""What a terminal's output is given to, so that it can be played back. Pure."""

from typing import Protocol


class NotRecorded(Exception):
    """A session that must be recorded cannot be, or not any further."""


class Recorder(Protocol):
    policy: str  # off, on, required

    async def output(self, data: bytes) -> None:
        """Once for each chunk, before anybody is shown it. Raises NotRecorded, when recording is required."""

    def resized(self, cols: int, rows: int) -> None: ...

    async def end(self) -> None:
        """Raises nothing, and takes no long time. May be called again."""


class Unrecorded:
    policy = "off"

    async def output(self, data: bytes) -> None:
        pass

    def resized(self, cols: int, rows: int) -> None:
        pass

    async def end(self) -> None:
        pass
