"""The supervisor of one replica, in the role of containerd-shim: starts the command, writes its output to the log,
says how it ended. One process each, detached, so that it outlives every other process of the platform.

Runs under `python -I -S`, forked by zygote.py, and must start quickly and stay small: the modules here import each
other and a few C modules of the standard library, nothing else. `signal`, `json`, `socket` and `dataclasses` would each
cost as much as all that.
"""
