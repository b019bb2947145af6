"""GET /api/jobs/{jobId}/recordings: what terminals in the job's pods showed, for who may open one there."""

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.credentials import Credential
from accounts.models import RecordingPolicy
from jobs.models import TerminalRecording
from jobs.models.recording import RecordingState
from jobs.services import Origin, audit, find_job, require_control
from jobs.terminal.recording import reading
from jobs.terminal.recording.asciicast import MEDIA_TYPE
from jobs_platform import request_id
from jobs_platform.api.envelope import show_time
from jobs_platform.api.operations import Operation, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiView
from jobs_platform.client_address import client_address


class RecordingShape(serializers.Serializer[Any]):
    recordingId = serializers.CharField()
    sessionId = serializers.CharField(allow_null=True)
    podName = serializers.CharField()
    user = serializers.CharField(help_text="Whose terminal it was.")
    policy = serializers.ChoiceField(choices=[RecordingPolicy.ON.value, RecordingPolicy.REQUIRED.value])
    state = serializers.ChoiceField(
        choices=RecordingState.values,
        help_text="open while the terminal is; limit, failed and lost: it ends before the terminal did.",
    )
    startedAt = serializers.DateTimeField()
    endedAt = serializers.DateTimeField(allow_null=True)
    durationSeconds = serializers.FloatField(allow_null=True, help_text="Until the last event; null while open.")
    sizeBytes = serializers.IntegerField(allow_null=True)
    leftOutBytes = serializers.IntegerField(help_text="Of output, marked where it is missing.")


class RecordingsData(serializers.Serializer[Any]):
    recordings = RecordingShape(many=True, help_text="The newest first, 1,000 at most.")


class RecordingsView(ApiView):
    @documented(
        Operation(
            id="listRecordings",
            tag="Training jobs",
            summary="The recordings of terminals in a training job's pods",
            data=RecordingsData,
            errors=("PERMISSION_DENIED", "JOB_NOT_FOUND"),
        )
    )
    def get(self, request: Request, job_id: str) -> Response:
        job = find_job(actor=self.actor, public_id=job_id)
        require_control(self.actor, job)
        return answer({"recordings": [show(recording) for recording in reading.of_job(job)]})


class RecordingView(ApiView):
    @documented(
        Operation(
            id="getRecording",
            tag="Training jobs",
            summary="A terminal's recording as asciicast v2; of one that is still open, what there is so far",
            files=(MEDIA_TYPE,),
            errors=("PERMISSION_DENIED", "JOB_NOT_FOUND", "RECORDING_NOT_FOUND"),
        )
    )
    def get(self, request: Request, job_id: str, recording_id: str) -> StreamingHttpResponse:
        job = find_job(actor=self.actor, public_id=job_id)
        require_control(self.actor, job)
        recording = reading.find(job, recording_id)
        size = reading.size_of(recording)
        audit(self.actor, "terminal.recording", job, origin_of(request._request), detail={"recording": recording_id})
        assert isinstance(request.auth, Credential)
        return as_file(recording, size, request.auth.key, reading.may_read_of(job))


def origin_of(request: HttpRequest) -> Origin:
    return Origin(address=client_address(request), request_id=request_id.current.get())


def as_file(recording: TerminalRecording, size: int, credential_key: str, may_read: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        reading.pieces(recording, size, credential_key, may_read),
        content_type=MEDIA_TYPE,
        headers={
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="{recording.pod_name}-{recording.public_id}.cast"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def show(recording: TerminalRecording) -> dict[str, Any]:
    return {
        "recordingId": recording.public_id,
        "sessionId": None if recording.session_id is None else str(recording.session_id),
        "podName": recording.pod_name,
        "user": recording.user_name,
        "policy": recording.policy,
        "state": recording.state,
        "startedAt": show_time(recording.started_at),
        "endedAt": show_time(recording.ended_at),
        "durationSeconds": None if recording.is_open else round(recording.seconds, 3),
        "sizeBytes": None if recording.is_open else recording.size_bytes,
        "leftOutBytes": recording.left_out_bytes,
    }
