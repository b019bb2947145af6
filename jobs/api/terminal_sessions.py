"""/api/jobs/{jobId}/terminal-sessions: the open terminals in a job's pods."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from jobs.api.viewsets import TAG, origin_of
from jobs.models import TerminalSession
from jobs.services import find_job
from jobs.terminal import sessions
from jobs.terminal.sessions import Rights
from jobs_platform.api.envelope import show_time
from jobs_platform.api.fields import Flag, StrictSerializer
from jobs_platform.api.operations import Operation, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiView

ERRORS = ("PERMISSION_DENIED", "JOB_NOT_FOUND", "TERMINAL_SESSION_NOT_FOUND")


class TerminalSessionShape(serializers.Serializer[Any]):
    sessionId = serializers.CharField()
    podName = serializers.CharField()
    user = serializers.CharField(help_text="Whose it is.")
    mine = serializers.BooleanField()
    attached = serializers.BooleanField(help_text="Its owner is connected.")
    startedAt = serializers.DateTimeField()
    detachedAt = serializers.DateTimeField(allow_null=True)
    closesAt = serializers.DateTimeField(help_text="At the latest, if nobody does anything.")
    watchable = serializers.BooleanField()
    mayAttach = serializers.BooleanField()
    mayWatch = serializers.BooleanField()
    mayEnd = serializers.BooleanField()


class TerminalSessionsData(serializers.Serializer[Any]):
    sessions = TerminalSessionShape(many=True, help_text="The newest first, 100 at most.")


class WatchableBody(StrictSerializer):
    watchable = Flag()


WATCHABLE_BODY = WatchableBody()


class TerminalSessionsView(ApiView):
    @documented(
        Operation(
            id="listTerminalSessions",
            tag=TAG,
            summary="The open terminals in a training job's pods that one may come back to, watch or end",
            data=TerminalSessionsData,
            errors=("JOB_NOT_FOUND",),
        )
    )
    def get(self, request: Request, job_id: str) -> Response:
        job = find_job(actor=self.actor, public_id=job_id, related=False)
        return answer({"sessions": [show(self.actor, *found) for found in sessions.listed(self.actor, job)]})


class TerminalSessionView(ApiView):
    @documented(
        Operation(
            id="allowWatching",
            tag=TAG,
            summary="Let others who see the job watch a terminal of one's own, or let them no longer",
            body=WatchableBody,
            data=TerminalSessionShape,
            errors=("VALIDATION_ERROR", *ERRORS),
        )
    )
    def patch(self, request: Request, job_id: str, session_id: str) -> Response:
        job = find_job(actor=self.actor, public_id=job_id)
        session, rights = sessions.allow_watching(
            actor=self.actor,
            job=job,
            public_id=session_id,
            allowed=WATCHABLE_BODY.read(request.data)["watchable"],
            origin=origin_of(request),
        )
        return answer(show(self.actor, session, rights))

    @documented(
        Operation(
            id="endTerminalSession", tag=TAG, summary="End a terminal, within seconds", message=True, errors=ERRORS
        )
    )
    def delete(self, request: Request, job_id: str, session_id: str) -> Response:
        job = find_job(actor=self.actor, public_id=job_id)
        sessions.end(actor=self.actor, job=job, public_id=session_id, origin=origin_of(request))
        return answer(message=_("The terminal is ending"))


def show(actor: User, session: TerminalSession, rights: Rights) -> dict[str, Any]:
    return {
        "sessionId": str(session.pk),
        "podName": session.pod.name,
        "user": session.user.username,
        "mine": session.user_id == actor.pk,
        "attached": session.detached_at is None,
        "startedAt": show_time(session.started_at),
        "detachedAt": show_time(session.detached_at),
        "closesAt": show_time(sessions.closes_at(session)),
        "watchable": session.watchable,
        "mayAttach": rights.attach,
        "mayWatch": rights.watch,
        "mayEnd": rights.end,
    }
