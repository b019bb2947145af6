"""Import without the optional dependencies of dependencies: they cost memory in every process and are not used."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Inside, importing one of these raises ImportError, for which whoever can do without it is prepared. One that is
    imported already stays. Afterwards they can be imported as ever."""
    missing = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]  # None is import's own mark of "not there"
    try:
        yield
    finally:
        for name in missing:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)
