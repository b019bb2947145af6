"""The bucket, against a real server: what it keeps, and what its absence costs."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.exceptions import LogsAway
from jobs.logs.objects.bucket import PART, REST_SECONDS, Bucket, Manner
from jobs_platform.object_storage import ObjectStorage


def test_it_gives_back_what_was_put_whole_and_by_ranges(bucket: Bucket, tmp_path: Path) -> None:
    path = tmp_path / "main.log"
    content = bytes(range(256)) * 1000
    path.write_bytes(content)
    bucket.put("a/main.log", path)
    assert bucket.size("a/main.log") == len(content)
    assert bucket.read("a/main.log", 300, 1500) == content[300:1500]
    assert b"".join(bucket.chunks("a/main.log")) == content


def test_a_file_larger_than_a_part_arrives_whole(bucket: Bucket, tmp_path: Path) -> None:
    path = tmp_path / "main.zst"
    content = b"".join(number.to_bytes(4, "big") for number in range((2 * PART + 12345) // 4))
    path.write_bytes(content)
    bucket.put("main.zst", path)
    assert b"".join(bucket.chunks("main.zst")) == content


def test_keys_are_those_below_a_whole_step_of_the_path(bucket: Bucket) -> None:
    for key in ("job-1/1/0/main.log", "job-1/1/1/main.log", "job-12/1/0/main.log"):
        bucket.put(key, b"x")
    assert sorted(bucket.keys("job-1")) == ["job-1/1/0/main.log", "job-1/1/1/main.log"]


def test_everything_is_below_the_prefix(bucket: Bucket, where: ObjectStorage) -> None:
    bucket.put("main.log", b"x")
    assert list(Bucket(replace(where, prefix="")).keys("platform")) == ["platform/logs/main.log"]


def test_what_is_not_there_is_told_apart_from_a_bucket_that_is_away(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError):
        bucket.size("nothing")
    with pytest.raises(FileNotFoundError):
        bucket.read("nothing", 0, 1)
    with pytest.raises(FileNotFoundError):
        list(bucket.chunks("nothing"))


def test_removing_twice_does_no_harm(bucket: Bucket) -> None:
    bucket.put("main.log", b"x")
    bucket.remove("main.log")
    bucket.remove("main.log")
    assert list(bucket.keys("")) == []


def test_an_address_where_nobody_listens_is_away(away: ObjectStorage) -> None:
    with pytest.raises(LogsAway):
        Bucket(away).read("main.log", 0, 1)


def test_a_server_that_never_answers_is_given_up_and_left_alone_for_a_while(away: ObjectStorage) -> None:
    manner = Manner(connect_seconds=0.3, silence_seconds=0.3, seconds=0.3, retries=1, retry_seconds=1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bucket = Bucket(replace(away, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"), manner)
        with pytest.raises(LogsAway):
            bucket.read("main.log", 0, 1)
        silent.settimeout(0)
        while True:
            try:
                silent.accept()
            except BlockingIOError:
                break
        with pytest.raises(LogsAway):
            bucket.read("main.log", 0, 1)
        with pytest.raises(BlockingIOError):
            silent.accept()  # the second reader was told at once: nobody connected


def test_after_the_rest_one_reader_tries_and_the_others_do_not_wait_for_him(
    away: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("jobs.logs.objects.bucket.time.monotonic", lambda: clock[0])
    manner = Manner(connect_seconds=20, silence_seconds=20, seconds=20, retries=0, retry_seconds=20)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as other:
        server.settimeout(20)
        bucket = Bucket(replace(away, endpoint=f"http://127.0.0.1:{server.getsockname()[1]}"), manner)
        for _again in range(2):
            trying = other.submit(bucket.read, "main.log", 0, 1)
            connection = server.accept()[0]
            if clock[0] > 1000:
                with pytest.raises(LogsAway):
                    bucket.read("main.log", 0, 1)
                assert not trying.done()
            connection.close()
            assert isinstance(trying.exception(20), LogsAway)
            clock[0] += REST_SECONDS
