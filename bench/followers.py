"""How much of one pod's log reaches many followers together, and what each of them costs the web process. Rows of
bench.logs.

A job prints; when all of it is in the store, the followers connect at once and read it from its beginning. Baseline: a
thread that copies the same bytes out of a file into as many loopback connections, in turns.
"""

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile

from bench.harness import BenchFailed, Client
from bench.processes import listener, resident

BLOCK = 1 << 20
PIECE = 256 << 10
SAMPLE_SECONDS = 0.05
LINE = b"2026-01-15 10:30:00 INFO trainer step=%d epoch=3 loss=0.312345 accuracy=0.8912 lr=1.00e-04\n"


def text(size: int) -> bytes:
    lines = bytearray()
    number = 0
    while len(lines) < size:
        lines += LINE % number
        number += 1
    return bytes(lines)


class Peak(threading.Thread):
    """The most memory that a process has meanwhile, above what it had at first. Bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.over = threading.Event()
        self.first = self.most = resident(pid)

    def run(self) -> None:
        while not self.over.wait(SAMPLE_SECONDS):
            self.most = max(self.most, resident(self.pid))

    @property
    def growth(self) -> int:
        return self.most - self.first


def drained(sockets: Sequence[socket.socket]) -> tuple[int, float]:
    """Bytes that came on all of them until each had ended, and the seconds from the first byte to the last."""
    buffer = bytearray(BLOCK)
    total, started = 0, 0.0
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ)
        while selector.get_map():
            for key, _events in selector.select(120):
                assert isinstance(key.fileobj, socket.socket)
                size = key.fileobj.recv_into(buffer)
                started = started or time.perf_counter()
                total += size
                if not size:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    return total, time.perf_counter() - started


@contextmanager
def printed(client: Client, data: bytes) -> Iterator[str]:
    """The address of the log of a job that has printed it and has ended."""
    with TemporaryFile() as file:
        file.write(data)
        file.flush()
        job_id = client.create(["cat", f"/proc/{os.getpid()}/fd/{file.fileno()}"], name="bench-followers")
        if client.wait(job_id) != "Succeeded":
            raise BenchFailed(f"{job_id} did not print")
    yield f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs?follow=true"
    client.call("DELETE", f"/api/jobs/{job_id}")


def connected(client: Client, path: str) -> socket.socket:
    host, port = client.address
    made = socket.create_connection((host, port))
    made.sendall(
        f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAuthorization: Bearer {client.token}\r\n"
        "Accept: text/plain\r\nConnection: close\r\n\r\n".encode()
    )
    return made


def followed(client: Client, path: str, number: int, size: int) -> float:
    """MB/s of all of them together."""
    total, seconds = drained([connected(client, path) for _ in range(number)])
    if total < number * size:
        raise BenchFailed(f"{total} of {number * size} bytes arrived")
    return total / seconds / 1e6


def bare(data: bytes, number: int) -> float:
    with socket.create_server(("127.0.0.1", 0)) as server:
        readers, writers = [], []
        for _ in range(number):
            readers.append(socket.create_connection(server.getsockname()))
            writers.append(server.accept()[0])
        copier = threading.Thread(target=copy, args=(data, writers))
        copier.start()
        total, seconds = drained(readers)
        copier.join()
    return total / seconds / 1e6


def copy(data: bytes, writers: Sequence[socket.socket]) -> None:
    with TemporaryFile() as file:
        file.write(data)
        for start in range(0, len(data), PIECE):
            file.seek(start)
            piece = file.read(PIECE)
            for writer in writers:
                writer.sendall(piece)
    for writer in writers:
        writer.close()


def report(client: Client, number: int, megabytes: int) -> None:
    web_pid = listener(client.url)
    data = text(megabytes * 1_000_000)
    with printed(client, data) as path:
        followed(client, path, number, len(data))  # so that the web process has what it keeps for good
        peak = Peak(web_pid) if web_pid else None
        if peak:
            peak.start()
        rates = [followed(client, path, number, len(data)) for _ in range(3)]
        if peak:
            peak.over.set()
    baseline = bare(data, number)
    middle = sorted(rates)[1]
    print(
        f"{number} followers of a log of {megabytes} MB, together      n=3      median {middle:8.1f} MB/s  worst "
        f"{min(rates):8.1f} MB/s  bare copies {baseline:8.1f} MB/s ({middle / baseline:.2f} x)",
        flush=True,
    )
    if peak:
        print(f"memory of the web process meanwhile: {peak.growth / number / 1e3:.0f} kB a follower", flush=True)
