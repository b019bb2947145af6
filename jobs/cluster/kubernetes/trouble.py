"""Says once that something fails, why and what is done about it, and once that it works again; not at each try."""

import logging
import time
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Trouble:
    what: str  # such as "pods of cluster-1"
    kind: type[Exception] | None = None
    since: float = 0.0

    def met(self, exc: Exception, remedy: str) -> None:
        """Another kind of failure is news again."""
        if type(exc) is self.kind:
            return
        if self.kind is None:
            self.since = time.monotonic()
        self.kind = type(exc)
        logger.warning("The watch of %s does not work: %s. %s.", self.what, exc, remedy)

    def over(self) -> None:
        if self.kind is not None:
            logger.warning("The watch of %s works again after %.0f s.", self.what, time.monotonic() - self.since)
        self.kind = None
