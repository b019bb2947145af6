"""All-reduce over plain TCP, through rank 0: every rank hands in an array of floats and gets the sum back.

The ranks find each other by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, which the platform sets for a job with
several replicas. Rank 0 listens; the others connect, and try again while rank 0 is still starting. Sums are made in
the order of the ranks, so every rank has the same bits. A rank that dies ends the others: their sockets close.

A message is a count of bytes (8 bytes, network order), then that many bytes of native doubles.
"""

from __future__ import annotations  # array[float] cannot be evaluated before Python 3.12

import os
import socket
import struct
import time
from array import array
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 60.0  # seconds to find each other, and to wait for one message
PAUSE = 0.1
LENGTH = struct.Struct("!Q")
T = TypeVar("T")


class Ranks:
    """The ranks of one job. Use as a context manager: leaving it closes the sockets."""

    def __init__(self) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.peers: list[socket.socket] = []  # rank 0: the others by rank; the others: rank 0

    def __enter__(self) -> Ranks:
        if self.size > 1:
            address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
            self.peers = self.gather(address) if self.rank == 0 else [self.join(address)]
        return self

    def __exit__(self, *exc: object) -> None:
        for peer in self.peers:
            peer.close()

    def gather(self, address: tuple[str, int]) -> list[socket.socket]:
        found: dict[int, socket.socket] = {}
        with patiently(lambda: socket.create_server(address)) as server:
            server.settimeout(PATIENCE)
            while len(found) < self.size - 1:
                peer = prepared(server.accept()[0])
                found[int(receive(peer)[0])] = peer
        return [found[rank] for rank in range(1, self.size)]

    def join(self, address: tuple[str, int]) -> socket.socket:
        master = prepared(patiently(lambda: socket.create_connection(address, timeout=PATIENCE)))
        send(master, array("d", [self.rank]))
        return master

    def sum(self, values: array[float]) -> array[float]:
        """Element by element, over all ranks. Every rank must call it, with arrays of one length."""
        if self.size == 1:
            return values
        if self.rank:
            send(self.peers[0], values)
            return receive(self.peers[0])
        for peer in self.peers:
            values = array("d", map(float.__add__, values, receive(peer)))
        for peer in self.peers:
            send(peer, values)
        return values


def patiently(attempt: Callable[[], T]) -> T:
    """Again and again for PATIENCE seconds: rank 0 may not listen yet, its name may not be known yet."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def prepared(peer: socket.socket) -> socket.socket:
    peer.settimeout(PATIENCE)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def send(peer: socket.socket, values: array[float]) -> None:
    data = values.tobytes()
    peer.sendall(LENGTH.pack(len(data)) + data)


def receive(peer: socket.socket) -> array[float]:
    values = array("d")
    values.frombytes(exactly(peer, LENGTH.unpack(exactly(peer, LENGTH.size))[0]))
    return values


def exactly(peer: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = peer.recv(count - len(data))
        if not part:
            raise ConnectionError("another rank has gone away")
        data += part
    return bytes(data)
