"""GET /api/jobs/{jobId}/metrics: what a training prints of its course, as time series and progress."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.query_values import WHOLE, at_least_one, read_values, whole
from jobs.exceptions import PodNotFound
from jobs.identifiers import pod_name
from jobs.logs.filesystem import configured_store
from jobs.logs.store import LogKey
from jobs.metrics.kept import look
from jobs.metrics.progress import Progress
from jobs.metrics.scan import State
from jobs.metrics.series import Point, Series
from jobs.models import Job
from jobs.services import find_job, find_pod
from jobs_platform.api.operations import Operation, Parameter, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiView

READERS = {"attempt": at_least_one, "replica": whole}
PARAMETERS = (
    Parameter("attempt", "Of which attempt; the current one when left out", {"type": "integer", "minimum": 1}),
    Parameter("replica", "Of which replica; the first, 0, when left out", WHOLE),
)
SECONDS = "Seconds since 1970."


class PointShape(serializers.Serializer[Any]):
    step = serializers.IntegerField(allow_null=True)
    epoch = serializers.FloatField(allow_null=True)
    time = serializers.FloatField(help_text=f"{SECONDS} Step, epoch and time are those of the point's last value.")
    value = serializers.FloatField(help_text="The mean of what the point stands for.")
    min = serializers.FloatField()
    max = serializers.FloatField()
    count = serializers.IntegerField(help_text="How many values the point stands for.")


class NonFiniteShape(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    firstStep = serializers.IntegerField(allow_null=True)
    firstTime = serializers.FloatField(help_text=SECONDS)


class SeriesShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    points = PointShape(many=True)
    last = serializers.FloatField(allow_null=True)
    nonFinite = NonFiniteShape(allow_null=True, help_text="Values printed as nan or inf, which are in no point.")


class ProgressShape(serializers.Serializer[Any]):
    fraction = serializers.FloatField(help_text="From 0 to 1.")
    time = serializers.FloatField(help_text=SECONDS)
    step = serializers.IntegerField(allow_null=True)
    totalSteps = serializers.IntegerField(allow_null=True)
    epoch = serializers.FloatField(allow_null=True)
    totalEpochs = serializers.IntegerField(allow_null=True)
    stepsPerSecond = serializers.FloatField(allow_null=True)
    remainingSeconds = serializers.FloatField(allow_null=True)


class MetricsData(serializers.Serializer[Any]):
    series = SeriesShape(many=True)
    progress = ProgressShape(allow_null=True)
    podName = serializers.CharField(allow_null=True, help_text="null before the job has a pod.")
    attempt = serializers.IntegerField()
    replica = serializers.IntegerField()
    complete = serializers.BooleanField(help_text="false: there is more in the log than was read yet; ask again.")
    leftOut = serializers.IntegerField(help_text="Values of further names, where a job prints very many names.")


class MetricsView(ApiView):
    @documented(
        Operation(
            id="getJobMetrics",
            tag="Training jobs",
            summary="Time series and progress, read out of what a replica prints",
            data=MetricsData,
            errors=("VALIDATION_ERROR", "JOB_NOT_FOUND", "POD_NOT_FOUND", "LOGS_UNAVAILABLE"),
            parameters=PARAMETERS,
        )
    )
    def get(self, request: Request, job_id: str) -> Response:
        query = request._request.GET
        wanted = read_values({name: query.getlist(name) for name in query}, READERS)
        job = find_job(actor=self.actor, public_id=job_id, related=False)
        key = key_of(job, wanted)
        state, whole_log = look(configured_store(), key) if key else (State(), True)
        response = answer(
            {
                "series": [show_series(name, series) for name, series in sorted(state.series.items())],
                "progress": show_progress(state.progress),
                "podName": pod_name(job.public_id, key.attempt, key.replica) if key else None,
                "attempt": key.attempt if key else job.attempt_number,
                "replica": wanted.get("replica", 0),
                "complete": whole_log,
                "leftOut": state.left_out,
            }
        )
        response["Cache-Control"] = "no-store"
        return response


def key_of(job: Job, wanted: dict[str, int]) -> LogKey | None:
    """None for a job that has no pod yet, where none was asked for by number. Raises PodNotFound."""
    attempt, replica = wanted.get("attempt", job.attempt_number), wanted.get("replica", 0)
    if not attempt and replica < job.replicas:
        return None
    if max(attempt, replica) >= 10**6:
        raise PodNotFound
    pod = find_pod(job=job, name=pod_name(job.public_id, attempt, replica))
    return LogKey(job.public_id, pod.attempt.number, pod.replica)


def show_series(name: str, series: Series) -> dict[str, Any]:
    return {
        "name": name,
        "points": [show_point(point) for point in series.points],
        "last": series.points[-1].last if series.points else None,
        "nonFinite": {
            "count": series.non_finite,
            "firstStep": series.first_non_finite_step,
            "firstTime": rounded(series.first_non_finite_time),
        }
        if series.non_finite
        else None,
    }


def show_point(point: Point) -> dict[str, Any]:
    return {
        "step": point.step,
        "epoch": point.epoch,
        "time": rounded(point.time),
        "value": point.mean,
        "min": point.least,
        "max": point.largest,
        "count": point.count,
    }


def show_progress(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {
        "fraction": progress.fraction,
        "time": rounded(progress.time),
        "step": progress.step,
        "totalSteps": progress.steps,
        "epoch": progress.epoch,
        "totalEpochs": progress.epochs,
        "stepsPerSecond": rounded(progress.steps_per_second),
        "remainingSeconds": rounded(progress.remaining_seconds),
    }


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
