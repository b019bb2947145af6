"""How the writers of logs open and write their files."""

import os

CREATE = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def write_all(fd: int, view: memoryview) -> None:
    while view:
        view = view[os.write(fd, view) :]
