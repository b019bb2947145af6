"""What every page has in common: somebody is logged in, and what the services refuse becomes a page that says so."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from accounts import browser_sessions
from accounts.models import User
from accounts.time_zones import zone_of
from jobs.exceptions import PlatformError
from jobs_platform import request_id

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def page(view: View[P]) -> View[P]:
    """Log-in first; times in the reader's zone; PlatformError becomes its own page; nothing is cached by the browser
    or a proxy."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return ask_to_log_in(request)
        browser_sessions.seen(request, reader(request))
        with timezone.override(zone_of(request)):
            try:
                response = view(request, *args, **kwargs)
            except PlatformError as error:
                response = refusal(request, error)
        add_never_cache_headers(response)
        return response

    return wrapper


def ask_to_log_in(request: HttpRequest) -> HttpResponse:
    """A page whose log-in has run out while it refreshes itself loads anew, and so arrives at the log-in."""
    if is_partial(request):
        return HttpResponse(status=401, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())


def refusal(request: HttpRequest, error: PlatformError) -> HttpResponse:
    context = {"status": error.status, "message": error.message, "request_id": request_id.current.get()}
    return render(request, "error.html", context, status=error.status)


def is_partial(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def reader(request: HttpRequest) -> User:
    """The logged-in user of a request that went through page()."""
    return cast("User", request.user)
