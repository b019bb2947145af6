"""The channels of a remote command over WebSocket (apimachinery/pkg/util/remotecommand, apiserver/pkg/util/wsstream).

A message is a channel's number and its data: as bytes, or in the base64 variants as a digit and base64 text."""

import base64
import binascii
import json
from dataclasses import dataclass

from tests.kube.records import Obj

STDIN, STDOUT, STDERR, RESULT, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
V5, V4, V1 = "v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"
V4_BASE64, V1_BASE64 = "v4.base64.channel.k8s.io", "base64.channel.k8s.io"
PROTOCOLS = (V5, V4, V4_BASE64, V1, V1_BASE64)
OUTPUTS = {"stdout": STDOUT, "stderr": STDERR}


@dataclass(frozen=True, slots=True)
class Frames:
    """`protocol` is "" for a client that asks for none: as `channel.k8s.io`."""

    protocol: str

    @property
    def is_base64(self) -> bool:
        return "base64" in self.protocol

    @property
    def has_close(self) -> bool:
        return self.protocol == V5

    @property
    def has_status(self) -> bool:
        return self.protocol in (V5, V4, V4_BASE64)

    def encode(self, channel: int, data: bytes) -> bytes | str:
        if self.is_base64:
            return str(channel) + base64.b64encode(data).decode()
        return bytes([channel]) + data

    def decode(self, message: bytes | str) -> tuple[int, bytes] | None:
        """None: nothing that can be understood."""
        if not message:
            return None
        if isinstance(message, bytes):
            return None if self.is_base64 else (message[0], message[1:])
        try:
            return ord(message[0]) - ord("0"), base64.b64decode(message[1:], validate=True)
        except binascii.Error:
            return None

    def result(self, code: int) -> bytes:
        """How the command ended."""
        if code == 0:
            return json.dumps({"metadata": {}, "status": "Success"}).encode() if self.has_status else b""
        text = f"command terminated with exit code {code}"
        if not self.has_status:
            return text.encode()
        if self.protocol == V5:
            text = f"error executing command in container: {text}"
        causes = [{"reason": "ExitCode", "message": str(code)}]
        message = f"command terminated with non-zero exit code: {text}"
        return failure(message, "NonZeroExitCode", {"causes": causes})

    def internal_error(self, text: str) -> bytes:
        message = f"Internal error occurred: {text}"
        if not self.has_status:
            return message.encode()
        return failure(f"Internal error occurred: {message}", "InternalError", {"causes": [{"message": message}]}, 500)


def failure(message: str, reason: str, details: Obj, code: int | None = None) -> bytes:
    status: Obj = {"metadata": {}, "status": "Failure", "message": message, "reason": reason, "details": details}
    if code is not None:
        status["code"] = code
    return json.dumps(status).encode()
