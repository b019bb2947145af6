"""Recordings of terminals. They outlive the job, so that deleting a job does not take away what was done in it."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import RecordingPolicy
from jobs.identifiers import new_recording_id


class RecordingState(models.TextChoices):
    """OPEN until the terminal's end. LIMIT and FAILED: it ends before the terminal did."""

    OPEN = "open", _("being recorded")
    COMPLETE = "complete", _("complete")
    LIMIT = "limit", _("cut at the size limit")
    FAILED = "failed", _("cut: could not be written")
    LOST = "lost", _("cut: the server was killed")


class TerminalRecording(models.Model):
    """The facts about one recording; the recording itself is a file named by public_id, and goes before its row."""

    public_id = models.CharField("id", max_length=24, unique=True, default=new_recording_id, editable=False)
    session = models.OneToOneField(
        "jobs.TerminalSession", on_delete=models.SET_NULL, null=True, blank=True, related_name="recording"
    )
    project = models.ForeignKey(
        "accounts.Project",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("project"),
        related_name="+",
    )
    user_name = models.CharField(_("user"), max_length=150)
    job_public_id = models.CharField(_("training job"), max_length=24, db_index=True)
    pod_name = models.CharField("pod", max_length=63)
    policy = models.CharField(_("policy"), max_length=16, choices=RecordingPolicy.choices)
    state = models.CharField(
        _("state"), max_length=16, choices=RecordingState.choices, default=RecordingState.OPEN, db_index=True
    )
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, db_index=True)
    seconds = models.FloatField(_("seconds"), default=0)
    size_bytes = models.BigIntegerField(_("bytes"), default=0)
    left_out_bytes = models.BigIntegerField(_("bytes left out"), default=0)

    class Meta:
        verbose_name = _("terminal recording")
        verbose_name_plural = _("terminal recordings")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.ended_at is None
