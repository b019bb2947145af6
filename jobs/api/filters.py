"""The body of POST /api/jobs: what it may hold, and the jobs it asks for."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import F, Q
from django.db.models.fields.json import KeyTransform
from rest_framework import serializers

from jobs.api.serializers import Labels
from jobs.querysets import JobQuerySet
from jobs.states import JobStatus
from jobs_platform.api.fields import Choice, Moment, StrictSerializer, Text, Whole

MAX_PAGE_SIZE = 100
# In the order of the primary key, which grows with the time of creation and needs no index of its own.
COLUMNS = {"createdAt": "id", "finishedAt": "finished_at", "jobName": "name", "priority": "priority"}
LOOKUPS = {
    "resourcePoolId": "pool__name",
    "queue": "queue__name",
    "owner": "owner__username",
    "createdAfter": "created_at__gte",
    "createdBefore": "created_at__lt",
}


class Statuses(serializers.ListField):
    """One status, or a list of them."""

    _spectacular_annotation: ClassVar[dict[str, Any]] = {
        "field": {
            "oneOf": [
                {"type": "string", "enum": [status.value for status in JobStatus]},
                {"type": "array", "items": {"type": "string", "enum": [status.value for status in JobStatus]}},
            ]
        }
    }

    def to_internal_value(self, data: Any) -> list[str]:
        one = isinstance(data, str)
        values: list[str] = super().to_internal_value([data] if one else data)
        return values


class ListBody(StrictSerializer):
    keyword = Text(max_length=128, allow_blank=True, required=False)
    status = Statuses(
        child=Choice(choices=[status.value for status in JobStatus]), min_length=1, max_length=32, required=False
    )
    pageNumber = Whole(min_value=1, max_value=1_000_000_000, default=1)
    pageSize = Whole(min_value=1, max_value=MAX_PAGE_SIZE, default=10)
    resourcePoolId = Text(max_length=63, required=False)
    queue = Text(max_length=63, required=False)
    projectId = Text(max_length=63, required=False)
    owner = Text(max_length=150, required=False)
    labels = Labels(child=Text(max_length=255, allow_blank=True), required=False)
    createdAfter = Moment(required=False)
    createdBefore = Moment(required=False)
    orderBy = Choice(choices=list(COLUMNS), default="createdAt")
    order = Choice(choices=["asc", "desc"], default="desc")


def is_plain(body: Mapping[str, Any]) -> bool:
    """Whether project and status are all that the body asks for."""
    return not (body.keys() & {*LOOKUPS, "labels"}) and not body.get("keyword")


def filtered(jobs: JobQuerySet, body: Mapping[str, Any]) -> JobQuerySet:
    """By everything but the project."""
    jobs = jobs.filter(Q(**{lookup: body[name] for name, lookup in LOOKUPS.items() if name in body}))
    if "status" in body:
        jobs = jobs.filter(status__in=body["status"])
    for number, (key, value) in enumerate(body.get("labels", {}).items()):
        jobs = jobs.alias(**{f"label_{number}": KeyTransform(key, "labels")}).filter(**{f"label_{number}": value})
    return jobs.matching(body["keyword"]) if body.get("keyword") else jobs


def ordered(jobs: JobQuerySet, body: Mapping[str, Any]) -> JobQuerySet:
    """Jobs without the value come last either way; the id settles ties the same way every time."""
    column = F(COLUMNS[body["orderBy"]])
    if body["order"] == "asc":
        return jobs.order_by(column.asc(nulls_last=True), "id")
    return jobs.order_by(column.desc(nulls_last=True), "-id")
