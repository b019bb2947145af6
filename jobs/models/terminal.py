"""Tickets that open a web terminal once, and the sessions they opened."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TerminalTicket(models.Model):
    """One right to open one terminal, for a minute: bound to user, log-in, job and pod uid; kept only as its hash."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terminal_tickets")
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="terminal_tickets")
    pod = models.ForeignKey("jobs.Pod", on_delete=models.CASCADE, related_name="terminal_tickets")
    pod_uid = models.CharField(max_length=64)
    session_key = models.CharField(max_length=64, blank=True, default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("terminal ticket")
        verbose_name_plural = _("terminal tickets")

    def __str__(self) -> str:
        return f"ticket {self.pk}"


class TerminalSession(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terminal_sessions")
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="terminal_sessions")
    pod = models.ForeignKey("jobs.Pod", on_delete=models.CASCADE, related_name="terminal_sessions")
    address = models.CharField(_("address"), max_length=64, blank=True, default="")
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(_("ended by"), max_length=64, blank=True, default="")
    exit_code = models.IntegerField(_("exit code"), null=True, blank=True)
    bytes_in = models.BigIntegerField(_("bytes typed"), default=0)
    bytes_out = models.BigIntegerField(_("bytes shown"), default=0)

    class Meta:
        verbose_name = _("terminal session")
        verbose_name_plural = _("terminal sessions")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.user} in {self.pod}"
