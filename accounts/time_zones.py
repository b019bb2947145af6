"""In which time zone a reader's pages tell times: the one the reader chose, else the browser's own, else UTC.

The dashboard's pages ask for it themselves (jobs.dashboard.views.page); the operators' site has a middleware, which
looks at no other path: it reads the user, and not every request has use for that.
"""

from collections.abc import Callable
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts.models import User

COOKIE = "timezone"  # the browser's own zone, written by platform.js
UTC = ZoneInfo("UTC")
ADMIN = "/admin/"


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Areas and cities; not the database's aliases such as `GMT+0` or `posix/…`."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(areas)))


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(request: HttpRequest) -> ZoneInfo:
    """A name that is none, which anyone may send, is passed over."""
    chosen = request.user.timezone if isinstance(request.user, User) else ""
    for name in (chosen, request.COOKIES.get(COOKIE, "")):
        if name in known():
            return ZoneInfo(name)
    return UTC


class AdminTimeZoneMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(ADMIN):
            return self.get_response(request)
        with timezone.override(zone_of(request)):
            return self.get_response(request)
