"""How values of a job are shown."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.models import Job


def pretty_json(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(value, ensure_ascii=False, indent=2))


def linked(field: str, label: Any) -> Callable[[Any, Any], SafeString]:
    """A method of an admin class: the related row with a link to its page, under a label of our own."""

    @admin.display(description=label)
    def column(model_admin: Any, row: Any) -> SafeString:
        other = getattr(row, field)
        url = reverse(f"admin:{other._meta.app_label}_{other._meta.model_name}_change", args=[other.pk])
        return format_html('<a href="{}">{}</a>', url, other)

    return column


def link_to_job(job: Job) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("admin:jobs_job_change", args=[job.pk]), job.public_id)


def link_to_records(job: Job, model: str, text: str) -> SafeString:
    """To the list of that model's rows that belong to the job."""
    query = urlencode({"job__id__exact": job.pk})
    return format_html('<a href="{}?{}">{}</a>', reverse(f"admin:jobs_{model}_changelist"), query, text)
