"""GET /api/jobs/{jobId}/pods/{podName}/logs/download: a pod's whole log as a file, byte for byte as it was printed.

As text it can be asked for in parts, so that a download that broke off goes on. A log only grows: the part of it that a
client has is right, so If-Range holds for an entity tag of when the log was shorter as well. With format=gz it is
packed on the way, which gives other bytes at each place for another size: there are no parts of that.
"""

import asyncio
import threading
import zlib
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from accounts.credentials import Credential
from jobs.api.log_streams import AccessEnded
from jobs.api.log_target import Authority, Target, find_target, require_at_hand
from jobs.api.logs import size_of
from jobs.api.query_values import Refused, read_values
from jobs.logs.filesystem import configured_store
from jobs.logs.store import LogKey, PodLog
from jobs_platform.api.operations import Operation, Parameter, documented
from jobs_platform.api.ranges import Part, Unsatisfiable, part_of
from jobs_platform.api.views import ApiView

TEXT, GZIP = "text/plain; charset=utf-8", "application/gzip"
FORMATS = ("text", "gz")
PIECE = 256 << 10
GZIP_LEVEL = 3  # a log becomes a sixth of its size, at a few hundred MB/s
GZIP_WINDOW = 31  # the largest, and gzip's own header
THREADS = ThreadPoolExecutor(2, thread_name_prefix="downloads")


class LogShortened(Exception):
    """The log ends before it did when the download began: the client is cut off, and can tell."""


@dataclass(frozen=True, slots=True)
class Download:
    target: Target
    part: Part
    credential_key: str


def file_format(text: str) -> str:
    if text not in FORMATS:
        raise Refused(_("This must be text or gz."))
    return text


class LogDownloadView(ApiView):
    @documented(
        Operation(
            id="downloadPodLogs",
            tag="Training jobs",
            summary="A pod's whole log as a file; as text also in parts, with Range",
            errors=("VALIDATION_ERROR", "JOB_NOT_FOUND", "POD_NOT_FOUND", "POOL_UNAVAILABLE", "LOGS_UNAVAILABLE"),
            files=("text/plain", GZIP),
            parameters=(
                Parameter(
                    "format", "Packed on the way, or not", {"type": "string", "enum": list(FORMATS), "default": "text"}
                ),
            ),
        )
    )
    def get(self, request: Request, job_id: str, pod_name: str) -> HttpResponse | StreamingHttpResponse:
        parameters = request._request.GET
        values = read_values({name: parameters.getlist(name) for name in parameters}, {"format": file_format})
        target = find_target(actor=self.actor, job_id=job_id, pod_name=pod_name, follow=False)
        require_at_hand(target)
        size = size_of(target)
        assert isinstance(request.auth, Credential)
        whole = Download(target, Part(0, size), request.auth.key)
        response = packed(whole) if values.get("format") == "gz" else plain(request, whole)
        return without_body(response) if request.method == "HEAD" else response


def plain(request: Request, whole: Download) -> HttpResponse | StreamingHttpResponse:
    size, tag = whole.part.end, tag_of(whole.target.key, whole.part.end)
    headers = {**headers_of(f"{whole.target.pod_name}.log"), "Accept-Ranges": "bytes", "ETag": tag}
    if tag in (given.strip() for given in request.headers.get("If-None-Match", "").split(",")):
        return HttpResponse(status=304, headers={"ETag": tag, "Cache-Control": headers["Cache-Control"]})
    try:
        part = part_of(request.headers.get("Range", ""), size) if may_go_on(request, whole) else None
    except Unsatisfiable:
        return HttpResponse(status=416, content_type=TEXT, headers={**headers, "Content-Range": f"bytes */{size}"})
    if part:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    wanted = Download(whole.target, part or whole.part, whole.credential_key)
    headers["Content-Length"] = str(wanted.part.end - wanted.part.start)
    return StreamingHttpResponse(pieces(wanted), status=206 if part else 200, content_type=TEXT, headers=headers)


def packed(whole: Download) -> StreamingHttpResponse:
    headers = {**headers_of(f"{whole.target.pod_name}.log.gz"), "Accept-Ranges": "none"}
    return StreamingHttpResponse(pieces(whole, packing=True), content_type=GZIP, headers=headers)


def headers_of(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-cache",
        "X-Accel-Buffering": "no",
        "X-Content-Type-Options": "nosniff",
    }


def tag_of(key: LogKey, size: int) -> str:
    return f'"{log_name(key)}-{size}"'


def log_name(key: LogKey) -> str:
    return blake2b(f"{key.job_id}/{key.attempt}/{key.replica}/{key.container}".encode(), digest_size=8).hexdigest()


def may_go_on(request: Request, whole: Download) -> bool:
    """Whether what the client has is the beginning of the log as it is now. A date says nothing: there is none."""
    given = request.headers.get("If-Range", "")
    size = given.strip('"').rpartition("-")[2]
    known = size.isascii() and size.isdigit() and len(size) <= 19 and given == tag_of(whole.target.key, int(size))
    return not given or (known and int(size) <= whole.part.end)


def without_body(response: HttpResponse | StreamingHttpResponse) -> HttpResponse:
    return HttpResponse(status=response.status_code, headers=dict(response.items()))


async def pieces(wanted: Download, *, packing: bool = False) -> AsyncGenerator[bytes, None]:
    """Raises AccessEnded when who asked may not read on, and LogShortened."""
    authority = Authority(wanted.target, wanted.credential_key)
    loop = asyncio.get_running_loop()
    source = Source(wanted, packing)
    try:
        while (piece := await loop.run_in_executor(THREADS, source.next)) is not None:
            if not await authority.holds():
                raise AccessEnded
            yield piece
    finally:
        THREADS.submit(source.close)


class Source:
    """The pieces of a download. Its methods take as long as the disk does; close() may come while next() runs, of which
    nobody waits for the answer any more."""

    def __init__(self, wanted: Download, packing: bool) -> None:
        self._key = wanted.target.key
        self._at, self._end = wanted.part.start, wanted.part.end
        self._log: PodLog | None = None
        self._packer: Any = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW) if packing else None
        self._lock = threading.Lock()

    def next(self) -> bytes | None:
        """None after the last one."""
        with self._lock:
            while self._at < self._end:
                data = self._read()
                if piece := self._packer.compress(data) if self._packer else data:
                    return piece
            rest, self._packer = self._packer.flush() if self._packer else None, None
            return rest

    def close(self) -> None:
        with self._lock:
            self._at = self._end
            if self._log is not None:
                self._log.close()

    def _read(self) -> bytes:
        if self._log is None:
            self._log = configured_store().open(self._key)
        data = self._log.read(self._at, min(PIECE, self._end - self._at))
        if not data:
            raise LogShortened
        self._at += len(data)
        return data
