"""The channels of a remote command over a WebSocket, and how its result reads. Pure.

A message is a channel's number and its data; the protocols v4 and v5 differ in the end of standard input alone
(k8s.io/apimachinery/pkg/util/remotecommand, "WebSocket subprotocols for remotecommand")."""

from enum import IntEnum

import msgspec

from jobs.cluster.kubernetes.errors import clean

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")  # as preferred
FRAME_BYTES = 32 * 1024
CANNOT_RUN = 127  # as shells say it


class Channel(IntEnum):
    STDIN = 0
    STDOUT = 1
    STDERR = 2
    RESULT = 3
    RESIZE = 4


OUTPUT = (Channel.STDOUT, Channel.STDERR)


class Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class Details(msgspec.Struct):
    causes: list[Cause] = []


class Status(msgspec.Struct):
    status: str = ""
    reason: str = ""
    message: str = ""
    details: Details | None = None


class Result(msgspec.Struct, frozen=True):
    """`why` is the cluster's sentence when the command could not be run at all."""

    code: int
    why: str = ""


def result_of(data: bytes) -> Result:
    """Of the message on the result channel. The exit code is in the causes: the text differs between the protocols."""
    try:
        status = msgspec.json.decode(data, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Result(CANNOT_RUN, clean(data.decode(errors="replace")))
    if status.status == "Success":
        return Result(0)
    for cause in status.details.causes if status.details else ():
        if cause.reason == "ExitCode" and cause.message.isascii() and cause.message.isdecimal():
            return Result(int(cause.message))
    return Result(CANNOT_RUN, clean(status.message) or "the command could not be run")


def stdin(data: bytes) -> bytes:
    return bytes([Channel.STDIN]) + data


def resize(*, cols: int, rows: int) -> bytes:
    return bytes([Channel.RESIZE]) + msgspec.json.encode({"Width": cols, "Height": rows})
