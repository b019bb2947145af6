"""A server process as the platform's, with views and sockets made for tests. Its one argument is the port."""

import asyncio
import os
import sys
from typing import Any

import tests.environment  # noqa: F401 (before the settings)

os.environ["DJANGO_SETTINGS_MODULE"] = "jobs_platform.settings"


async def sockets(scope: Any, receive: Any, send: Any) -> None:
    """/ws/flood sends without end, /ws/deaf never receives, /ws/parting sends until it hears that the client has left,
    /ws/echo answers."""
    from tests.jobs_platform.served_views import CHUNK, note

    await receive()
    await send({"type": "websocket.accept"})
    sent = 0
    try:
        while scope["path"] == "/ws/flood":
            await send({"type": "websocket.send", "bytes": CHUNK})
            sent += len(CHUNK)
            if sent % (1 << 18) == 0:
                note("ws-flood", sent)
        if scope["path"] == "/ws/parting":
            flood = asyncio.create_task(send_for_ever(send))
            message = await receive()
            note("parting", f"{message['type']} {message['code']} {'failed' if flood.done() else 'sending'}")
            flood.cancel()
            return
        while scope["path"] == "/ws/deaf":
            await asyncio.sleep(3600)
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
    finally:
        note("ws-ended")


async def send_for_ever(send: Any) -> None:
    """In every turn of the loop."""
    while True:
        await send({"type": "websocket.send", "bytes": b"x"})
        await asyncio.sleep(0)


def main() -> None:
    from django.conf import settings

    settings.ROOT_URLCONF = "tests.jobs_platform.served_views"
    import django

    django.setup()
    from jobs_platform.handler import PlatformHandler
    from jobs_platform.server import DrainingServer

    http = PlatformHandler()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await (http if scope["type"] == "http" else sockets)(scope, receive, send)

    server = DrainingServer(application, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], server_name="")
    server.run()
    sys.exit(server.failure or 0)


if __name__ == "__main__":
    main()
