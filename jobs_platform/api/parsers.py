"""Bodies: one JSON object, read strictly."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 16
BRACKETS = (b"[", b"{")


class StrictJSONParser(BaseParser):
    """orjson refuses NaN, numbers beyond a double and lone surrogates; here NUL characters, deep nesting and anything
    but an object at the top are refused too. Raises ParseError, which says where the text is broken."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        raw: bytes = stream.read()
        return load_object(raw)


def load_object(raw: bytes) -> dict[str, Any]:
    """White space alone counts as no body: {}."""
    if not raw.strip():
        return {}
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise ParseError(
            _("The body is not valid JSON: %(error)s.") % {"error": exc}  # orjson's words carry line and column only
        ) from None
    if not isinstance(value, dict):
        raise ParseError(_("The body must be one JSON object."))
    if rb"\u0000" in raw and has_nul(value):
        raise ParseError(_("The body has a NUL character (\\u0000). Remove it."))
    if sum(raw.count(bracket) for bracket in BRACKETS) > MAX_DEPTH and depth(value) > MAX_DEPTH:
        raise ParseError(_("The body is nested deeper than %(limit)s levels.") % {"limit": MAX_DEPTH})
    return value


def children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    return any(has_nul(child) for child in children(value))


def depth(value: Any) -> int:
    """orjson itself stops at 1,024 levels, so this recursion ends in time."""
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max((depth(child) for child in children(value)), default=0)


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The body of a plain Django request, by the same rules."""
    return load_object(request.body)
