"""What happened to a job, from its cluster or from the platform, kept for the job's life."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    NORMAL: ClassVar = "Normal"
    WARNING: ClassVar = "Warning"
    TYPES: ClassVar = [(NORMAL, NORMAL), (WARNING, WARNING)]
    PLATFORM: ClassVar = "platform"

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="events", db_index=False)
    attempt = models.PositiveIntegerField(_("attempt"), null=True, blank=True)
    pod_name = models.CharField("pod", max_length=63, blank=True, default="")
    type = models.CharField(_("type"), max_length=8, choices=TYPES, default=NORMAL)
    reason = models.CharField(_("reason"), max_length=64)
    message = models.TextField(_("message"), blank=True, default="")  # the cluster's own words
    params = models.JSONField(default=dict, blank=True)  # the platform's words come from jobs.wording with these
    source = models.CharField(_("source"), max_length=64, default=PLATFORM)
    # (job, fingerprint) is once: object uid, reason and message hashed, or a random one where repeats are kept apart.
    fingerprint = models.CharField(max_length=64)
    count = models.PositiveIntegerField(_("count"), default=1)
    first_at = models.DateTimeField(_("first seen"), default=timezone.now)
    last_at = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering: ClassVar = ["last_at", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "fingerprint"], name="event_once_per_job")]

    def __str__(self) -> str:
        return f"{self.reason} ×{self.count}"


class AuditEntry(models.Model):
    """Who asked for what: written in the same transaction as the change, before it takes effect."""

    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)
    actor = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="audit_entries"
    )
    actor_name = models.CharField(_("actor"), max_length=150)
    action = models.CharField(_("action"), max_length=64)
    object_id = models.CharField(_("object"), max_length=128, blank=True, default="", db_index=True)
    project_slug = models.CharField(_("project"), max_length=63, blank=True, default="")
    address = models.CharField(_("address"), max_length=64, blank=True, default="")
    request_id = models.CharField(_("request"), max_length=64, blank=True, default="")
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.object_id}"
