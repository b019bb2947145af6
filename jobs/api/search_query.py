"""The query parameters of a search through a pod's log: each one strict, each mistake named. The cursor is a search's
place as text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from jobs.api.log_query import KEYWORD_MAX, keyword, moment
from jobs.api.query_values import WHOLE_MAX, Refused, flag, read_values, whole
from jobs.exceptions import ValidationFailed
from jobs.logs.needle import Needle
from jobs.logs.search import Place, Search
from jobs_platform.api.operations import Parameter

LIMIT, LIMIT_MAX = 100, 1000
CONTEXT_MAX = 50
ORDERS = ("newest", "oldest")
CURSOR = re.compile(r"([no])-(\d{1,19})-(\d{1,19})-(\d{1,19})-(\d{0,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where an earlier call stands. Of a plain number, an offset in the log, only `offset` is there."""

    order: str | None
    place: Place | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    search: Search
    cursor: Cursor | None
    context: int
    since_ns: int | None
    until_ns: int | None


def up_to(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if (number := whole(text)) > most:
            raise Refused(_("This must be at most %(most)d.") % {"most": most})
        return number

    return read


def order(text: str) -> str:
    if text not in ORDERS:
        raise Refused(_("This must be newest or oldest."))
    return text


def cursor(text: str) -> Cursor:
    if text.isascii() and text.isdigit():
        return Cursor(None, None, whole(text))
    match = CURSOR.fullmatch(text)
    if match is None or any(int(number or 0) > WHOLE_MAX for number in match.groups()[1:]):
        raise Refused(_("This must be the cursor of an earlier answer, as it was."))
    listed, counted, found = (int(number) for number in match.groups()[1:4])
    far = int(match[5]) if match[5] else None
    return Cursor(next(name for name in ORDERS if name.startswith(match[1])), Place(listed, counted, found, far))


def as_text(newest_first: bool, place: Place) -> str:
    far = "" if place.far is None else place.far
    return f"{'n' if newest_first else 'o'}-{place.listed}-{place.counted}-{place.found}-{far}"


READERS: dict[str, Callable[[str], Any]] = {
    "keyword": keyword,
    "ignoreCase": flag,
    "order": order,
    "limit": up_to(LIMIT_MAX),
    "contextLines": up_to(CONTEXT_MAX),
    "sinceTime": moment,
    "untilTime": moment,
    "cursor": cursor,
}

PARAMETERS = (
    Parameter("keyword", "The text to look for, exactly as it is", {"type": "string", "maxLength": KEYWORD_MAX}),
    Parameter("ignoreCase", "The letters a to z match A to Z as well", {"type": "boolean", "default": False}),
    Parameter("order", "Which matches come first", {"type": "string", "enum": list(ORDERS), "default": "newest"}),
    Parameter(
        "limit", "At most so many matches", {"type": "integer", "minimum": 0, "maximum": LIMIT_MAX, "default": LIMIT}
    ),
    Parameter(
        "contextLines",
        "So many lines before and after each match",
        {"type": "integer", "minimum": 0, "maximum": CONTEXT_MAX, "default": 0},
    ),
    Parameter("sinceTime", "Only lines written at or after this time", {"type": "string", "format": "date-time"}),
    Parameter("untilTime", "Only lines written before this time", {"type": "string", "format": "date-time"}),
    Parameter(
        "cursor",
        "Where an earlier answer ended: go on from there. Or an offset in the log: only lines before it, or after it",
        {"type": "string"},
    ),
)


def read(parameters: QueryDict) -> Wanted:
    """Raises ValidationFailed."""
    values = read_values({name: parameters.getlist(name) for name in parameters}, READERS)
    if "keyword" not in values:
        raise ValidationFailed({"keyword": [_("This is missing: say what to look for.")]})
    given: Cursor | None = values.get("cursor")
    came_by = given.order if given and given.order else None
    wanted_order = values.get("order", came_by or ORDERS[0])
    if came_by and wanted_order != came_by:
        raise ValidationFailed({"order": [_("The cursor is of a search in the other order. Leave one of them out.")]})
    needle = Needle(values["keyword"], ignore_case=values.get("ignoreCase", False))
    return Wanted(
        Search(needle, wanted_order == "newest", values.get("limit", LIMIT)),
        given,
        values.get("contextLines", 0),
        values.get("sinceTime"),
        values.get("untilTime"),
    )
