"""Views made for the tests of server and handler. What happens inside (a generator closed, bytes produced) they note
in files of the directory NOTES, for the test to see."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt

from jobs_platform import request_id

CHUNK = b"x" * (64 << 10)
FLOOD = 300 << 20
notes = Path(os.environ.get("NOTES", "."))


def note(name: str, value: object = "") -> None:
    temporary = notes / f".{name}"
    temporary.write_text(str(value))
    temporary.rename(notes / name)


def slow(request: HttpRequest) -> HttpResponse:
    note("slow-began")
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse("done")


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"length": len(request.body)})


def where(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    time.sleep(0.02)
    return JsonResponse({"thread": threading.get_ident(), "connection": id(connection.connection)})


def context(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"language": get_language(), "requestId": request_id.current.get()})


def streamed_context(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        for _ in range(3):
            await asyncio.sleep(0.01)
            yield f"{get_language()} {request_id.current.get()}\n"

    return StreamingHttpResponse(parts())


def endless(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick\n"
                await asyncio.sleep(0.05)
        finally:
            note("endless-closed")

    return StreamingHttpResponse(parts())


def flood(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for count in range(FLOOD // len(CHUNK)):
            if count % 2 == 0:
                note("flood", (count + 1) * len(CHUNK))
            yield CHUNK

    return StreamingHttpResponse(parts())


def broken(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("broken on purpose")

    return StreamingHttpResponse(parts())


def file(request: HttpRequest) -> FileResponse:
    return FileResponse((notes / "file").open("rb"))


VIEWS = (slow, echo, where, context, streamed_context, endless, flood, broken, file)
urlpatterns = [path(view.__name__, view) for view in VIEWS]
