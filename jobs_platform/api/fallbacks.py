"""Errors that happen outside the API's views, as the API says them under /api/ and as a page says them elsewhere.
jobs_platform.urls names these as Django's error handlers."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from jobs_platform.api.envelope import failure_response
from jobs_platform.api.exception_handler import BROKEN, FORBIDDEN, INTERNAL, MISSING, Failure


def is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def respond(failure: Failure) -> HttpResponse:
    return failure_response(failure.status, failure.code, failure.message, failure.details, dict(failure.headers))


@csrf_exempt  # or a POST to nowhere would be told of a token instead
def unknown_path(request: HttpRequest, rest: str = "") -> HttpResponse:
    return respond(MISSING)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return respond(BROKEN) if is_api(request) else defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return respond(FORBIDDEN) if is_api(request) else defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return respond(MISSING) if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    return respond(INTERNAL) if is_api(request) else defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Django's CSRF_FAILURE_VIEW."""
    if not is_api(request):
        from django.views.csrf import csrf_failure as page

        return page(request, reason=reason)
    message = _("The request does not carry this session's CSRF token. Reload the page and try again.")
    return failure_response(403, "PERMISSION_DENIED", message)
