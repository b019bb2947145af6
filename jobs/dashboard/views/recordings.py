"""A terminal's recording, to be played."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs import services
from jobs.dashboard.views.page import page, reader
from jobs.terminal.recording import reading
from jobs_platform.security_headers import with_webassembly


@require_safe
@with_webassembly
@page
def recording(request: HttpRequest, job_id: str, recording_id: str) -> HttpResponse:
    """The player's script asks the API for the recording, where the right to it is checked again."""
    job = services.find_job(actor=reader(request), public_id=job_id)
    services.require_control(reader(request), job)
    return render(request, "jobs/recording.html", {"job": job, "recording": reading.find(job, recording_id)})
