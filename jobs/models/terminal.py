"""Tickets that connect once to a web terminal, the sessions they opened, and the web processes that have them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TerminalTicket(models.Model):
    """One right to connect to a terminal, within a minute: bound to user, log-in, job and pod uid; kept as its hash.
    With a `session` it comes back to that one, or looks at it; without, it opens one."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terminal_tickets")
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="terminal_tickets")
    pod = models.ForeignKey("jobs.Pod", on_delete=models.CASCADE, related_name="terminal_tickets")
    pod_uid = models.CharField(max_length=64)
    session = models.ForeignKey(
        "jobs.TerminalSession", null=True, blank=True, on_delete=models.CASCADE, related_name="tickets"
    )
    watch = models.BooleanField(_("read-only"), default=False)
    session_key = models.CharField(max_length=64, blank=True, default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("terminal ticket")
        verbose_name_plural = _("terminal tickets")

    def __str__(self) -> str:
        return f"ticket {self.pk}"


class TerminalServer(models.Model):
    """One web process that has, or had, terminals. It says that it lives while it has any."""

    id = models.CharField(max_length=32, primary_key=True)
    address = models.CharField(_("address"), max_length=255)  # where other web processes reach it: a URL
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    beat_at = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("terminal server")
        verbose_name_plural = _("terminal servers")

    def __str__(self) -> str:
        return f"{self.address} ({self.id})"


class TerminalSession(models.Model):
    """One shell. Its server alone ends it; others ask for that in `end_request`, which the server reads."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="terminal_sessions")
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="terminal_sessions")
    pod = models.ForeignKey("jobs.Pod", on_delete=models.CASCADE, related_name="terminal_sessions")
    address = models.CharField(_("address"), max_length=64, blank=True, default="")
    server = models.ForeignKey(
        TerminalServer,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="sessions",
        verbose_name=_("server"),
    )
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    detached_at = models.DateTimeField(_("disconnected"), null=True, blank=True)
    watchable = models.BooleanField(_("may be watched"), default=False)
    end_request = models.CharField(max_length=16, blank=True, default="", editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, db_index=True)
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
