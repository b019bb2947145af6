"""Recordings of terminals: to find, to download and, while their job is there, to play. Each download is audited."""

from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.api.recordings import as_file, origin_of
from jobs.exceptions import RecordingNotFound
from jobs.models import AuditEntry, TerminalRecording
from jobs.terminal.recording import reading
from jobs_platform.admin_classes import ReadOnlyAdmin


@admin.register(TerminalRecording)
class TerminalRecordingAdmin(ReadOnlyAdmin):
    """Search takes a whole job id."""

    list_display = ("started_at", "user_name", "job_public_id", "pod_name", "project", "state", "seconds", "file")
    list_filter = ("state", "policy", "project", "started_at")
    list_select_related = ("project",)
    search_fields = ("job_public_id",)
    search_help_text = _("A whole job id")
    fields = (
        "public_id", "user_name", "job_public_id", "pod_name", "project", "policy", "state", "started_at", "ended_at",
        "seconds", "size_bytes", "left_out_bytes", "file", "player",
    )  # fmt: skip
    readonly_fields = ("file", "player")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(job_public_id=term) if term else queryset), False

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:pk>/file", self.admin_site.admin_view(self.download), name="jobs_terminalrecording_file")
        return [own, *super().get_urls()]

    def download(self, request: HttpRequest, pk: int) -> StreamingHttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        recording = TerminalRecording.objects.select_related("project").filter(pk=pk).first()
        try:
            size = reading.size_of(recording) if recording else 0
        except RecordingNotFound as exc:
            raise Http404 from exc
        if recording is None:
            raise Http404
        actor = cast("User", request.user)
        note(actor, recording, request)
        return as_file(recording, size, f"session:{request.session.session_key}", lambda user: user.is_superuser)

    @admin.display(description=_("recording"))
    def file(self, recording: TerminalRecording) -> SafeString:
        url = reverse("admin:jobs_terminalrecording_file", args=[recording.pk])
        return format_html('<a href="{}" download>{}</a>', url, _("Download"))

    @admin.display(description=_("player"))
    def player(self, recording: TerminalRecording) -> SafeString:
        """The page says so itself where the job was deleted."""
        url = reverse("dashboard:recording", args=[recording.job_public_id, recording.public_id])
        return format_html('<a href="{}">{}</a>', url, _("Play"))


def note(actor: User, recording: TerminalRecording, request: HttpRequest) -> None:
    """The audit, also of a recording whose job is gone."""
    origin = origin_of(request)
    AuditEntry.objects.create(
        actor=actor,
        actor_name=actor.username,
        action="terminal.recording",
        object_id=recording.job_public_id,
        project_slug=recording.project.slug if recording.project else "",
        address=origin.address,
        request_id=origin.request_id,
        detail={"recording": recording.public_id},
    )
