"""Where a call came from, for the audit, and where it came to."""

from django.conf import settings
from django.http import HttpRequest

from jobs.services import Origin
from jobs_platform import request_id
from jobs_platform.client_address import client_address


def origin_of(request: HttpRequest) -> Origin:
    return Origin(address=client_address(request), request_id=request_id.current.get())


def site_of(request: HttpRequest) -> str:
    """The address under which clients reach the platform, without a slash at the end."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
