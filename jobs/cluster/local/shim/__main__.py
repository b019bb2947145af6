"""Entry of the process that forks shims: `python -I -S <this file>`."""

import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 (pathlib is slow)

from shim.zygote import serve  # type: ignore[import-not-found]

serve()
