"""From what an API server answers, or fails to, to jobs.cluster.errors; for both halves of the port.

A final verdict (NotFound, Conflict, Invalid) needs an answer of the API server itself, which is a Status object
(Kubernetes API conventions, "Response Status Kind"): a 404 or 400 of a proxy in between says nothing of the object.
"""

import re

import msgspec

from jobs.cluster.errors import ClusterError, Conflict, Forbidden, Invalid, NotFound, Unavailable

LONGEST = 2000  # characters of a message; a refused template's can be very long
CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
POOL = re.compile(r"^HTTPS?Connection(Pool)?\([^)]*\): ")  # urllib3 names the address once more
VERDICTS: dict[int, type[ClusterError]] = {404: NotFound, 409: Conflict, 400: Invalid, 413: Invalid, 422: Invalid}


class Expired(Unavailable):
    """The resource version, or the continue token, is too old: list again from the start (HTTP 410)."""


class Status(msgspec.Struct, rename="camel", gc=False):
    kind: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0


def refused(status: int, body: bytes, what: str = "") -> ClusterError:
    """The error for an answer that is not a 2xx. `what` was asked for, such as "GET jobs": it stands where the API
    server itself says nothing."""
    said = parse_status(body)
    text = clean(said.message if said and said.message else body.decode(errors="replace"))
    message = text or f"HTTP {status} without a word" + (f" to {what}" if what else "")
    if status in (401, 403):
        return Forbidden(message)
    if status == 410:
        return Expired(message)
    if said is not None and (verdict := VERDICTS.get(status)):
        return verdict(message)
    return Unavailable(message if said else f"HTTP {status}: {message}")


def of_status(body: bytes) -> ClusterError | None:
    """The error that a Status object tells of which came with a 200, such as a watch's ERROR event; None for anything
    else."""
    said = parse_status(body)
    return refused(said.code, body) if said is not None and said.code else None


def unreachable(exc: BaseException, where: str) -> Unavailable:
    """No answer: `where` is the API server's address."""
    return Unavailable(f"no answer from {where}: {clean(POOL.sub('', str(exc))) or type(exc).__name__}")


def parse_status(body: bytes) -> Status | None:
    try:
        status = msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return status if status.kind == "Status" else None


def clean(text: str) -> str:
    """One line without control characters, of bounded length."""
    text = CONTROL.sub(" ", text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
