"""The handler: one hop to a bounded set of threads, with the request's context wherever its code runs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.jobs_platform.serving import Served, served

THREADS = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("notes"), WEB_THREADS=str(THREADS)) as server:
        yield server


def test_a_view_sees_its_language_and_request_id(server: Served) -> None:
    answer = server.get("/context", headers={"Accept-Language": "en", "X-Request-ID": "one"})
    assert answer.json() == {"language": "en", "requestId": "one"}
    assert answer.headers["X-Request-ID"] == "one"


def test_a_streamed_body_sees_them_too_beside_other_requests(server: Served) -> None:
    def lines(number: int) -> list[str]:
        language = ("en", "zh-hans")[number % 2]
        headers = {"Accept-Language": language, "X-Request-ID": f"stream-{number}"}
        answer = server.get("/streamed_context", headers=headers)
        return [f"{line}" for line in answer.text.splitlines() if line != f"{language} stream-{number}"]

    with ThreadPoolExecutor(8) as threads:
        assert not [line for wrong in threads.map(lines, range(32)) for line in wrong]


def test_requests_share_a_bounded_number_of_threads_and_connections(server: Served) -> None:
    with ThreadPoolExecutor(24) as threads:
        answers = [answer.json() for answer in threads.map(lambda _: server.get("/where"), range(96))]
    assert 1 < len({answer["thread"] for answer in answers}) <= THREADS
    assert len({answer["connection"] for answer in answers}) <= THREADS


def test_a_whole_answer_says_its_length(server: Served) -> None:
    answer = server.get("/context")
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert "Transfer-Encoding" not in answer.headers


def test_many_streams_need_no_threads(server: Served) -> None:
    """More endless streams than threads, and requests are still answered."""
    streams = [server.get("/endless", stream=True) for _ in range(4 * THREADS)]
    try:
        lines = [stream.iter_lines() for stream in streams]  # kept: the end of one closes its connection
        assert [next(line) for line in lines] == [b"tick"] * len(lines)
        assert server.get("/context").status_code == 200
    finally:
        for stream in streams:
            stream.close()


def test_a_path_that_is_not_there_is_404(server: Served) -> None:
    assert server.get("/nothing").status_code == 404
