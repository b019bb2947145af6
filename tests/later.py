"""An answer whose work is done after the view has returned, as the platform's handler would send it."""

import json
from typing import Any

from asgiref.sync import async_to_sync

from jobs_platform.api.later import LaterResponse


def settled(response: Any) -> Any:
    """The answer's `data`."""
    assert isinstance(response, LaterResponse), response.content
    async_to_sync(response.settle)()
    body = b"".join(async_to_sync(parts)(response))
    assert response.status_code == 200, body
    assert response["Content-Length"] == str(len(body))
    return json.loads(body)["data"]


async def parts(response: LaterResponse) -> list[bytes]:
    return [part async for part in response]
