"""The blocks of objects in memory: bounded, and fetched once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.logs.objects.cache import BlockCache


def test_what_was_used_last_stays() -> None:
    cache = BlockCache(blocks=2)
    fetched: list[int] = []

    def get(number: int) -> bytes:
        def fetch() -> bytes:
            fetched.append(number)
            return b"%d" % number

        return cache.get(("log", number), fetch)

    assert [get(number) for number in (1, 2, 1, 3, 1, 2)] == [b"1", b"2", b"1", b"3", b"1", b"2"]
    assert fetched == [1, 2, 3, 2]


def test_two_readers_of_one_block_fetch_it_once() -> None:
    cache = BlockCache()
    begun, go, fetched = threading.Event(), threading.Event(), []

    def fetch() -> bytes:
        fetched.append(1)
        begun.set()
        assert go.wait(10)
        return b"block"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(cache.get, ("log", 0), fetch)
        assert begun.wait(10)
        second = threads.submit(cache.get, ("log", 0), fetch)
        go.set()
        assert first.result(10) == second.result(10) == b"block"
    assert fetched == [1]


def test_a_failed_fetch_is_tried_again() -> None:
    cache = BlockCache()

    def fail() -> bytes:
        raise OSError

    with pytest.raises(OSError):
        cache.get(("log", 0), fail)
    assert cache.get(("log", 0), lambda: b"x") == b"x"
