"""The asynchronous transport: bytes, lines and refusals over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import unused_port
from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.errors import Forbidden, NotFound, Unavailable
from jobs.cluster.kubernetes.aclient import AsyncClient, split
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.options import PoolOptions

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOT_FOUND = {"kind": "Status", "status": "Failure", "message": 'pods "x" not found', "reason": "NotFound", "code": 404}


def kubeconfig(path: Path, url: str, token: str = "first") -> None:
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "training"}}],
                "clusters": [{"name": "k", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {"token": token}}],
            }
        )
    )


def client_of(directory: Path, *, read_seconds: float = 5.0) -> AsyncClient:
    options = PoolOptions(kubeconfig="cluster")
    return AsyncClient(
        Access(options=options, kubeconfig_dir=directory, connect_seconds=2.0, read_seconds=read_seconds)
    )


@asynccontextmanager
async def serving(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], directory: Path
) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = unused_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    kubeconfig(directory / "cluster", f"http://127.0.0.1:{port}")
    try:
        yield
    finally:
        await runner.cleanup()


async def test_a_body_comes_whole_with_the_query_and_the_token_sent(tmp_path: Path) -> None:
    seen = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((request.path, request.query["labelSelector"], request.headers["Authorization"]))
        return web.Response(body=b"\x00\xff" * 100_000)

    async with serving(answer, tmp_path):
        client = client_of(tmp_path)
        assert await client.get("/api/v1/pods", [("labelSelector", "a=b,c in (d)")]) == b"\x00\xff" * 100_000
        await client.aclose()
    assert seen == [("/api/v1/pods", "a=b,c in (d)", "Bearer first")]


async def test_a_refusal_says_what_the_server_said(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(NOT_FOUND, status=404)

    async with serving(answer, tmp_path):
        client = client_of(tmp_path)
        with pytest.raises(NotFound, match='pods "x" not found'):
            await client.get("/api/v1/pods/x")
        await client.aclose()


async def test_a_refused_websocket_says_what_the_server_said(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(NOT_FOUND, status=404)

    async with serving(answer, tmp_path):
        client = client_of(tmp_path)
        with pytest.raises(NotFound, match='pods "x" not found'):
            async with client.websocket("/exec", [], protocols=["v5.channel.k8s.io"]):
                pass
        await client.aclose()


async def test_a_websocket_carries_the_credentials_and_its_protocol(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["v5.channel.k8s.io"])
        await socket.prepare(request)
        await socket.send_str(request.headers["Authorization"] + "".join(request.query.getall("command")))
        await socket.close()
        return socket

    async with serving(answer, tmp_path):
        client = client_of(tmp_path)
        query = [("command", "a"), ("command", "b")]
        async with client.websocket("/exec", query, protocols=["v5.channel.k8s.io"]) as socket:
            assert socket.protocol == "v5.channel.k8s.io"
            assert (await socket.receive()).data == "Bearer firstab"
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        await client.aclose()


async def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    kubeconfig(tmp_path / "cluster", f"http://127.0.0.1:{unused_port()}")
    client = client_of(tmp_path)
    with pytest.raises(Unavailable, match=r"no answer from http://127\.0\.0\.1"):
        await client.get("/version")
    await client.aclose()


async def test_silence_ends_by_the_read_timeout(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        await release.wait()
        return response

    async with serving(answer, tmp_path):
        client = client_of(tmp_path)
        lines = client.lines("/watch", read_seconds=0.2)
        assert await anext(lines) == b"one\n"
        with pytest.raises(Unavailable):
            await anext(lines)
        release.set()
        await client.aclose()


async def test_a_stream_cut_in_the_middle_is_no_clean_end(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        assert request.transport
        request.transport.abort()
        return response

    async with serving(answer, tmp_path):
        client = client_of(tmp_path)
        with pytest.raises(Unavailable):
            async for line in client.lines("/watch", read_seconds=5):
                assert line == b"one\n"
        await client.aclose()


async def test_a_refused_token_is_read_anew_while_an_old_stream_goes_on(tmp_path: Path) -> None:
    good = {"Bearer first"}
    release = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] not in good:
            return web.json_response({"kind": "Status", "message": "Unauthorized", "code": 401}, status=401)
        if request.path == "/get":
            return web.Response(body=b"yes")
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        await release.wait()
        await response.write(b"two\n")
        return response

    async with serving(answer, tmp_path):
        client = client_of(tmp_path)
        lines = client.lines("/watch", read_seconds=5)
        assert await anext(lines) == b"one\n"
        good.clear()
        with pytest.raises(Forbidden, match="Unauthorized"):
            await client.get("/get")
        good.add("Bearer second")
        (tmp_path / "cluster").write_text((tmp_path / "cluster").read_text().replace("first", "second"))
        assert await client.get("/get") == b"yes"
        release.set()
        assert await anext(lines) == b"two\n"
        with pytest.raises(StopAsyncIteration):
            await anext(lines)
        await client.aclose()


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
async def test_lines_are_the_same_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})

    async def chunks() -> AsyncIterator[bytes]:
        for start, end in pairwise(places):
            yield data[start:end]

    lines = [line async for line in split(chunks(), 1000)]
    assert b"".join(lines) == data
    assert all(line.endswith(b"\n") for line in lines[:-1])
    assert all(b"\n" not in line[:-1] for line in lines)


@pytest.mark.parametrize("chunk", [b"x" * 40, b"x" * 41 + b"\n"])
async def test_a_line_without_end_is_an_error(chunk: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield chunk

    with pytest.raises(Unavailable, match="over 40 bytes"):
        async for _line in split(chunks(), 40):
            raise AssertionError("a line that is too long came through")


async def test_a_network_without_a_proxy_is_reached_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "Upgrade" not in request.headers:
            return web.Response(body=b"there")
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        await opened.close()
        return opened

    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.0/8")
    async with serving(answer, tmp_path):
        client = client_of(tmp_path)
        assert await client.get("/healthz") == b"there"
        async with client.websocket("/exec", [], protocols=()) as opened:
            assert (await opened.receive()).type is aiohttp.WSMsgType.CLOSE
        await client.aclose()
