"""Entry of the shim process: `python -I -S <this file> <pod name>`; the name is only for people who read `ps`."""

import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 (pathlib is slow)

from shim.run import main  # type: ignore[import-not-found]

main()
