"""WebSockets that lead nowhere are told so by a close code, after the accept that lets a page see it."""

from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from jobs_platform.sockets import websocket_application


async def close_code(path: str, host: str) -> int:
    socket = WebsocketCommunicator(websocket_application(), path, headers=[(b"host", host.encode())])
    accepted, _ = await socket.connect()
    assert accepted
    message: dict[str, Any] = await socket.receive_output()
    assert message["type"] == "websocket.close"
    return int(message["code"])


@pytest.mark.django_db(transaction=True)
async def test_an_unknown_path_is_closed_with_4404() -> None:
    assert await close_code("/nowhere", "localhost") == 4404


@pytest.mark.parametrize("host", ["elsewhere.example", "", "localhost.elsewhere.example:80"])
async def test_a_host_that_is_not_ours_is_closed_with_4400(host: str) -> None:
    assert await close_code("/webterminal/x", host) == 4400
