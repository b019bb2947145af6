"""GET /api/jobs/{jobId}/pods/{podName}/webterminal: the address of a shell in a running pod, good for one use.
With `sessionId` it comes back to a terminal that is open, or, with `watch`, looks at it."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.credentials import Credential
from jobs.cluster.errors import Unavailable
from jobs.clusters import streams_for
from jobs.exceptions import PodNotRunning, PoolUnavailable, ValidationFailed
from jobs.models import Job, Pod, TerminalSession
from jobs.services import Origin, find_job, find_pod, require_control
from jobs.terminal import sessions, tickets
from jobs.terminal.protocol import MAX_SIDE
from jobs_platform import request_id
from jobs_platform.api.operations import Operation, Parameter, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiView
from jobs_platform.client_address import client_address

SIDES = ("cols", "rows")
SIDE_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_SIDE}


class WebTerminalData(serializers.Serializer[Any]):
    webTerminalUrl = serializers.CharField()


class WebTerminalView(ApiView):
    @documented(
        Operation(
            id="getWebTerminal",
            tag="Training jobs",
            summary="The address of a web terminal in a running pod, good for one use within a minute",
            data=WebTerminalData,
            errors=(
                "VALIDATION_ERROR", "PERMISSION_DENIED", "JOB_NOT_FOUND", "POD_NOT_FOUND", "TERMINAL_SESSION_NOT_FOUND",
                "POD_NOT_RUNNING", "POOL_UNAVAILABLE",
            ),
            parameters=[
                Parameter("cols", "Columns of the terminal's window", SIDE_SCHEMA),
                Parameter("rows", "Rows of the terminal's window", SIDE_SCHEMA),
                Parameter("sessionId", "Come back to this open terminal of one's own", {"type": "string"}),
                Parameter("watch", "With sessionId: look at it, read-only", {"type": "boolean", "default": False}),
            ],
        )
    )  # fmt: skip
    def get(self, request: Request, job_id: str, pod_name: str) -> Response:
        job = find_job(actor=self.actor, public_id=job_id)
        size, watch = read_size(request), read_watch(request)
        if not watch:
            require_control(self.actor, job)
        pod = find_pod(job=job, name=pod_name)
        session = self.find_session(request, job, pod, watch=watch)
        require_open(job, pod)
        assert isinstance(request.auth, Credential)
        ticket = tickets.issue(
            user=self.actor,
            job=job,
            pod=pod,
            session=session,
            watch=watch,
            session_key=request.auth.key,
            origin=Origin(address=client_address(request._request), request_id=request_id.current.get()),
        )
        response = answer({"webTerminalUrl": web_terminal_url(request, ticket, size)})
        response["Cache-Control"] = "no-store"
        return response

    def find_session(self, request: Request, job: Job, pod: Pod, *, watch: bool) -> TerminalSession | None:
        """None where a new one is asked for. Raises TerminalSessionNotFound, PermissionDenied."""
        public_id = request.query_params.get("sessionId")
        if public_id is None:
            return None
        session, rights = sessions.find(self.actor, job, public_id, pod=pod)
        sessions.require(rights.watch if watch else rights.attach)
        return session


def require_open(job: Job, pod: Pod) -> None:
    """Raises PodNotRunning, PoolUnavailable."""
    if pod.phase != "Running" or not pod.uid:
        raise PodNotRunning
    try:
        streams_for(job.pool)
    except Unavailable as exc:
        raise PoolUnavailable from exc


def read_size(request: Request) -> dict[str, int]:
    """`cols` and `rows` of the query, as many as there are. Raises ValidationFailed."""
    given = {name: request.query_params[name] for name in SIDES if name in request.query_params}
    wrong = [name for name, text in given.items() if not is_side(text)]
    if wrong:
        sentence = _("This must be a whole number from 1 to %(most)d.") % {"most": MAX_SIDE}
        raise ValidationFailed({name: [sentence] for name in wrong})
    return {name: int(text) for name, text in given.items()}


def read_watch(request: Request) -> bool:
    """Raises ValidationFailed."""
    text = request.query_params.get("watch", "false")
    if text not in ("true", "false"):
        raise ValidationFailed({"watch": [_("This must be true or false.")]})
    if text == "true" and "sessionId" not in request.query_params:
        raise ValidationFailed({"watch": [_("This goes with sessionId only.")]})
    return text == "true"


def is_side(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_SIDE


def web_terminal_url(request: Request, ticket: str, size: dict[str, int]) -> str:
    site = settings.PUBLIC_URL or f"{request._request.scheme}://{request.get_host()}"
    return f"ws{site.removeprefix('http')}/webterminal/{ticket}" + (f"?{urlencode(size)}" if size else "")
