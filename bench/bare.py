"""A bare ASGI view, `daphne bench.bare:application`: reads the body, answers a fixed one. What daphne alone costs."""

from typing import Any

BODY = b'{"success":true,"data":{"jobId":"job-0000000000000000","jobName":"bare"}}'
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}


async def application(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send({"type": "http.response.body", "body": BODY})
