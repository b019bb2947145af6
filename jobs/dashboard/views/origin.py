"""Where a call came from, for the audit."""

from django.http import HttpRequest

from jobs.services import Origin
from jobs_platform import request_id
from jobs_platform.client_address import client_address


def origin_of(request: HttpRequest) -> Origin:
    return Origin(address=client_address(request), request_id=request_id.current.get())
