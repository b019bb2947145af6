"""Every error becomes one envelope: which status, which code, which words.

what went wrong                       code                       HTTP
jobs.exceptions.PlatformError         its own                    its own
a body or parameter that is wrong     VALIDATION_ERROR           400
no or bad credentials                 NOT_AUTHENTICATED          401
an access token past its time         TOKEN_EXPIRED              401
not allowed                           PERMISSION_DENIED          403
no such path                          NOT_FOUND                  404
method, media type, size              METHOD_NOT_ALLOWED, UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE   405, 415, 413
too many                              THROTTLED                  429, with Retry-After
the cluster does not answer           POOL_UNAVAILABLE           503
the database does not answer          DATABASE_UNAVAILABLE       503
anything else                         INTERNAL_ERROR             500: logged with its traceback, told to nobody
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from jobs.cluster.errors import Unavailable
from jobs.exceptions import PlatformError, PoolUnavailable, ValidationFailed
from jobs_platform.api import envelope
from jobs_platform.api.field_errors import flatten

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    status: int
    code: str
    message: str | Promise
    details: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


FORBIDDEN = Failure(403, "PERMISSION_DENIED", _("You are not allowed to do this. Ask an admin of the project."))
MISSING = Failure(404, "NOT_FOUND", _("There is nothing at this address. GET /api/docs lists what there is."))
TOO_LARGE = Failure(413, "BODY_TOO_LARGE", _("The body is larger than the platform accepts. Send a smaller one."))
BROKEN = Failure(400, "VALIDATION_ERROR", _("The request could not be read. Send it again."))
NO_DATABASE = Failure(
    503,
    "DATABASE_UNAVAILABLE",
    _("The platform's database does not answer right now, so nothing was changed. Try again shortly."),
    headers={"Retry-After": "5"},
)
INTERNAL = Failure(
    500,
    "INTERNAL_ERROR",
    _("The platform failed at this request. Give the operators the requestId: their log says what happened."),
)


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Django REST framework's EXCEPTION_HANDLER."""
    failure = describe(exc)
    if failure.status >= 500:
        log(failure, exc)
    body = envelope.failure(failure.code, failure.message, failure.details)
    return Response(body, status=failure.status, headers=dict(failure.headers))


def log(failure: Failure, exc: Exception) -> None:
    if failure is INTERNAL:
        logger.error("Unexpected %s in an API call", type(exc).__name__, exc_info=exc)
    else:
        logger.warning("%s: %s", failure.code, exc)


def describe(exc: Exception) -> Failure:
    match exc:
        case Unavailable():
            return describe(PoolUnavailable())
        case PlatformError():
            return Failure(exc.status, exc.code, exc.message, exc.details)
        case exceptions.APIException():
            return describe_framework(exc)
        case Http404():
            return MISSING
        case PermissionDenied():
            return FORBIDDEN
        case RequestDataTooBig():
            return TOO_LARGE
        case SuspiciousOperation() | UnreadablePostError():
            return BROKEN
        case OperationalError() | InterfaceError() if not is_our_mistake(exc):
            return NO_DATABASE
    return INTERNAL


def is_our_mistake(exc: Exception) -> bool:
    """SQLite reports a statement it cannot run by the same class as a file it cannot open or lock."""
    return getattr(exc.__cause__, "sqlite_errorname", "") == "SQLITE_ERROR"


def describe_framework(exc: exceptions.APIException) -> Failure:
    """Of Django REST framework's own errors. A subclass brings its code along in `default_code`, in capitals."""
    match exc:
        case exceptions.ValidationError():
            return describe(ValidationFailed(flatten(exc.detail)))
        case exceptions.ParseError():
            return Failure(400, "VALIDATION_ERROR", str(exc.detail))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            code = exc.default_code if exc.default_code.isupper() else "NOT_AUTHENTICATED"
            header = getattr(exc, "auth_header", "")
            return Failure(401, code, words(exc), headers={"WWW-Authenticate": header} if header else {})
        case exceptions.PermissionDenied():
            given = str(exc.detail) != str(exceptions.PermissionDenied.default_detail)
            return Failure(403, "PERMISSION_DENIED", str(exc.detail)) if given else FORBIDDEN
        case exceptions.NotFound():
            return MISSING
        case exceptions.MethodNotAllowed():
            sentence = _("%(method)s is not possible here. The Allow header lists what is.")
            method = str(exc.args[0]) if exc.args else "?"
            return Failure(405, "METHOD_NOT_ALLOWED", sentence % {"method": method})
        case exceptions.UnsupportedMediaType():
            return Failure(
                415, "UNSUPPORTED_MEDIA_TYPE", _("Send the body as JSON, with Content-Type: application/json.")
            )
        case exceptions.Throttled():
            return throttled(str(exc.detail), getattr(exc, "wait", None) or 1)
    return Failure(exc.status_code, "INTERNAL_ERROR" if exc.status_code >= 500 else "VALIDATION_ERROR", str(exc.detail))


def words(exc: exceptions.APIException) -> str | Promise:
    if isinstance(exc, exceptions.NotAuthenticated):
        return _("Log in first: send Authorization: Bearer with a token from POST /api/auth/token.")
    return str(exc.detail)


def throttled(message: str, seconds: float) -> Failure:
    return Failure(429, "THROTTLED", message, headers={"Retry-After": str(max(1, round(seconds)))})
