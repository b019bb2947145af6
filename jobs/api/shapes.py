"""Shapes of answers, for the OpenAPI document alone. jobs.api.presenters builds them; a test holds both together."""

from typing import Any

from rest_framework import serializers

from jobs.models import Event, Pod, ResourcePool
from jobs.states import JobStatus
from jobs.wording import CATEGORIES

STATUSES = [status.value for status in JobStatus]


def moment(**kwargs: Any) -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=True, **kwargs)


class PlacementShape(serializers.Serializer[Any]):
    resourcePoolId = serializers.CharField()
    queue = serializers.CharField()
    owner = serializers.CharField()
    projectId = serializers.CharField()
    priority = serializers.CharField(help_text="high, normal or low.")
    replicas = serializers.IntegerField()
    readyPods = serializers.IntegerField(help_text="Ready pods of the current attempt.")
    totalPods = serializers.IntegerField()
    attempt = serializers.IntegerField(help_text="The current attempt, from 1; 0 before the first.")
    startedAt = moment()
    finishedAt = moment()
    durationSeconds = serializers.FloatField(allow_null=True, help_text="Since the job first ran, until its end.")


class JobItemShape(PlacementShape):
    jobId = serializers.CharField()
    jobName = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    createdAt = serializers.DateTimeField()
    statusReason = serializers.CharField()


class JobListShape(serializers.Serializer[Any]):
    jobs = JobItemShape(many=True)
    totalCount = serializers.IntegerField(help_text="Exact, of all pages.")


class PodShape(serializers.Serializer[Any]):
    podName = serializers.CharField()
    attempt = serializers.IntegerField()
    replica = serializers.IntegerField()
    phase = serializers.ChoiceField(choices=[phase for phase, _label in Pod.PHASES])
    ready = serializers.BooleanField()
    node = serializers.CharField()
    exitCode = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    message = serializers.CharField()
    startedAt = moment()
    finishedAt = moment()
    observedAt = moment()


class PodsShape(serializers.Serializer[Any]):
    pods = PodShape(many=True)


class DiagnosisShape(serializers.Serializer[Any]):
    category = serializers.ChoiceField(choices=CATEGORIES, help_text="Which kind of trouble it is.")
    summary = serializers.CharField(help_text="What happened.")
    detail = serializers.CharField(help_text="Why, with the cluster's own words; may be empty.")
    remedy = serializers.CharField(help_text="What to do next; may be empty.")


class JobDetailShape(JobItemShape):
    config = serializers.DictField(help_text="The create body, normalised, without the values of secrets.")
    statusMessage = serializers.CharField(help_text="What happened, why, what to do next.")
    diagnosis = DiagnosisShape(
        allow_null=True, help_text="The same in parts, while the job waits and after it failed; null where all is well."
    )
    pullsImage = serializers.BooleanField(help_text="False where the pool runs commands without the image.")
    queuedAt = moment()
    observedAt = moment(help_text="When the status was last confirmed by the resource pool.")
    pods = PodShape(many=True, help_text="Of every attempt.")


class OutlookShape(serializers.Serializer[Any]):
    fitsNow = serializers.BooleanField(help_text="Whether it would start at once.")
    jobsAhead = serializers.IntegerField(help_text="Waiting jobs that go first; counted up to 1000.")
    message = serializers.CharField(help_text="The same in words: why it would wait and what to do.")


class CreatedShape(serializers.Serializer[Any]):
    jobId = serializers.CharField()
    jobName = serializers.CharField()


class CheckedShape(serializers.Serializer[Any]):
    jobName = serializers.CharField()
    config = serializers.DictField(help_text="The job's config as it would be.")
    outlook = OutlookShape(help_text="How the job would fare if it were submitted now.")


class EventShape(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=[type_ for type_, _label in Event.TYPES])
    reason = serializers.CharField()
    message = serializers.CharField()
    timestamp = serializers.DateTimeField(help_text="When it last happened.")
    count = serializers.IntegerField()
    firstTimestamp = serializers.DateTimeField()
    source = serializers.CharField(  # type: ignore[assignment]  # a field named like an attribute of fields
        help_text="platform, or the part of the cluster that said so."
    )
    podName = serializers.CharField(allow_null=True)
    attempt = serializers.IntegerField(allow_null=True)


class EventsShape(serializers.Serializer[Any]):
    events = EventShape(many=True)


class CapacityShape(serializers.Serializer[Any]):
    cpuMillis = serializers.IntegerField(allow_null=True)
    memoryBytes = serializers.IntegerField(allow_null=True)
    gpus = serializers.IntegerField(allow_null=True)


class PoolShape(serializers.Serializer[Any]):
    resourcePoolId = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=[kind for kind, _label in ResourcePool.KINDS])
    isDefault = serializers.BooleanField()
    enabled = serializers.BooleanField(help_text="Takes new jobs.")
    draining = serializers.BooleanField(help_text="Running jobs go on, waiting ones wait.")
    pullsImages = serializers.BooleanField()
    capacity = CapacityShape(help_text="null is not known, or no limit.")
    capacityAt = moment()


class PoolsShape(serializers.Serializer[Any]):
    resourcePools = PoolShape(many=True)


class QueueShape(serializers.Serializer[Any]):
    queue = serializers.CharField()
    priority = serializers.IntegerField()
    maxRunningJobs = serializers.IntegerField(allow_null=True)
    isDefault = serializers.BooleanField()
    enabled = serializers.BooleanField()


class QueuesShape(serializers.Serializer[Any]):
    queues = QueueShape(many=True)
