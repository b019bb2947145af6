"""Sockets whose peer's silent death is noticed by the kernel: a followed log or an idle terminal may have nothing to
say for hours, and no read timeout fits it (tcp(7))."""

import socket
from typing import Any

IDLE_SECONDS = 20
INTERVAL_SECONDS = 10
PROBES = 3
OPTIONS = (
    ("TCP_KEEPIDLE", IDLE_SECONDS),
    ("TCP_KEEPINTVL", INTERVAL_SECONDS),
    ("TCP_KEEPCNT", PROBES),
    ("TCP_USER_TIMEOUT", 1000 * (IDLE_SECONDS + INTERVAL_SECONDS * PROBES)),
)


def keepalive_socket(address: Any) -> socket.socket:
    """aiohttp's socket_factory: takes what getaddrinfo() gives."""
    family, kind, protocol, _name, _address = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in OPTIONS:
        if hasattr(socket, name):  # not every system has them all
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
