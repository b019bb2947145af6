"""The jobs ticked in the list as a CSV file for a spreadsheet, audited. It has neither configs nor secrets."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs import wording
from jobs.models import AuditEntry, Job
from jobs_platform import request_id
from jobs_platform.api.envelope import show_time
from jobs_platform.client_address import client_address

MOST = 10_000
COLUMNS = (
    "jobId", "jobName", "status", "statusReason", "statusMessage", "project", "owner", "resourcePool", "queue",
    "replicas", "attempt", "createdAt", "startedAt", "finishedAt",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@admin.action(description=_("Export the selected training jobs as CSV"), permissions=["control"])
def export_jobs(model_admin: Any, request: HttpRequest, queryset: QuerySet[Job]) -> StreamingHttpResponse:
    jobs = list(queryset.select_related("owner", "project", "pool", "queue").defer("config", "secret_envs")[:MOST])
    actor = cast("User", request.user)
    AuditEntry.objects.create(
        actor=actor,
        actor_name=actor.username,
        action="job.export",
        detail={"jobs": len(jobs)},
        address=client_address(request),
        request_id=request_id.current.get(),
    )
    response = StreamingHttpResponse(lines(map(row, jobs)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="training-jobs.csv"'
    return response


def lines(rows: Iterable[list[str]]) -> Iterator[str]:
    yield "\ufeff"  # so that spreadsheets read it as UTF-8
    for cells in ([*COLUMNS], *rows):
        buffer = io.StringIO()
        csv.writer(buffer).writerow([safe(cell) for cell in cells])
        yield buffer.getvalue()


def row(job: Job) -> list[str]:
    times = (show_time(moment) or "" for moment in (job.created_at, job.started_at, job.finished_at))
    where = (job.project.slug, job.owner.username, job.pool.name, job.queue.name)
    told = (job.status, job.status_reason, wording.status_message(job))
    return [job.public_id, job.name, *told, *where, str(job.replicas), str(job.attempt_number), *times]


def safe(cell: str) -> str:
    """A spreadsheet takes what begins so for a formula, and runs it (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
