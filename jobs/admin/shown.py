"""How values of a job are shown."""

import json
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.models import Job


def pretty_json(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(value, ensure_ascii=False, indent=2))


def link_to_job(job: Job) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("admin:jobs_job_change", args=[job.pk]), job.public_id)


def link_to_records(job: Job, model: str, text: str) -> SafeString:
    """To the list of that model's rows that belong to the job."""
    query = urlencode({"job__id__exact": job.pk})
    return format_html('<a href="{}?{}">{}</a>', reverse(f"admin:jobs_{model}_changelist"), query, text)
