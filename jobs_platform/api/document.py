"""GET /api/schema and GET /api/docs. What they need is imported when they are first asked for."""

from functools import cache

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs_platform.api.envelope import dump

OPENAPI = "application/vnd.oai.openapi+json"


@cache
def document() -> bytes:
    """Built once: the calls do not change while the process lives."""
    from drf_spectacular.generators import SchemaGenerator

    return dump(SchemaGenerator().get_schema(request=None, public=True))


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type=OPENAPI)


@require_safe
def docs(request: HttpRequest) -> HttpResponseBase:
    return render(request, "api/docs.html")
