"""Attempts and pods: what the reconciler wrote down."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString

from jobs.admin.of_job import OfJobAdmin
from jobs.admin.shown import pretty_json
from jobs.models import Attempt, Pod


@admin.register(Attempt)
class AttemptAdmin(OfJobAdmin):
    list_display = ("__str__", "job_link", "number", "end_reason", "created_at", "started_at", "finished_at")
    list_filter = ("end_reason",)
    fields = (
        "job_link",
        "number",
        "cluster_uid",
        "spec_hash",
        "created_at",
        "launched_at",
        "started_at",
        "finished_at",
        "ending_reason",
        "end_reason",
        "ended_with",
    )
    readonly_fields = ("job_link", "ended_with")

    def of_pod(self, queryset: QuerySet[Any], job_id: str, attempt: int, replica: int) -> QuerySet[Any]:
        return queryset.filter(job__public_id=job_id, number=attempt)

    def ended_with(self, attempt: Attempt) -> SafeString:
        return pretty_json(attempt.end_params)


@admin.register(Pod)
class PodAdmin(OfJobAdmin):
    list_display = ("name", "job_link", "phase", "ready", "node", "exit_code", "reason", "started_at", "finished_at")
    list_filter = ("phase",)
    fields = (
        "name",
        "job_link",
        "replica",
        "uid",
        "phase",
        "ready",
        "node",
        "exit_code",
        "reason",
        "message",
        "started_at",
        "finished_at",
        "observed_at",
    )
    readonly_fields = ("job_link",)

    def of_pod(self, queryset: QuerySet[Any], job_id: str, attempt: int, replica: int) -> QuerySet[Any]:
        return queryset.filter(job__public_id=job_id, attempt__number=attempt, replica=replica)
