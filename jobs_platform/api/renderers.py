"""Answers as bytes: always JSON, whatever Accept says. The API speaks nothing else, and a client that asks for
something else is better served by the error's words than by an empty 406."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from jobs_platform.api import envelope


class EnvelopeRenderer(BaseRenderer):
    media_type = envelope.JSON
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return envelope.dump(data)


def answer(data: Any = None, message: str | Promise | None = None, *, status: int = 200) -> Response:
    return Response(envelope.success(data, message), status=status)
