"""What every view of the API stands on: Django REST framework without the parts that the API has only one of."""

from typing import Any

from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from accounts.models import User
from jobs_platform.api.renderers import EnvelopeRenderer

RENDERER = EnvelopeRenderer()


class LazySchema:
    """The OpenAPI inspector, imported when the schema is generated: it costs memory that a web process which is never
    asked for /api/schema does not pay."""

    def __init__(self) -> None:
        self.inspectors: dict[type[APIView], Any] = {}

    def __get__(self, view: APIView | None, owner: type[APIView]) -> Any:
        if owner not in self.inspectors:
            from jobs_platform.api.schema import EnvelopeSchema

            self.inspectors[owner] = EnvelopeSchema()
        return self.inspectors[owner].__get__(view, owner)


class ApiView(APIView):
    schema = LazySchema()
    # No browsable API, so nothing to tell in OPTIONS.
    metadata_class = None

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        return RENDERER, RENDERER.media_type

    @property
    def actor(self) -> User:
        """Who calls. Only where a permission class lets nobody anonymous in."""
        user = self.request.user
        assert isinstance(user, User)
        return user


class ApiViewSet(ViewSetMixin, ApiView):
    pass
