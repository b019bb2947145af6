"""One try at running a job, and its pods. A retry is a new attempt; pods of old attempts stay readable."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Attempt(models.Model):
    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField(_("number"))
    spec_hash = models.CharField(max_length=64, blank=True, default="")
    cluster_uid = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    launched_at = models.DateTimeField(_("launched"), null=True, blank=True)  # the cluster said yes to the create
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # Decided but not yet proven gone: why the attempt is being taken down.
    ending_reason = models.CharField(max_length=32, blank=True, default="")
    ending_params = models.JSONField(default=dict, blank=True)
    end_reason = models.CharField(_("ended by"), max_length=32, blank=True, default="")
    end_params = models.JSONField(default=dict, blank=True)
    absent_since = models.DateTimeField(null=True, blank=True)  # first proof of absence; the second one counts
    stuck_since = models.DateTimeField(null=True, blank=True)  # since when what it waits for will not come by itself

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering: ClassVar = ["job", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "number"], name="attempt_once_per_job")]

    def __str__(self) -> str:
        return f"{self.job.public_id}-{self.number}"


class Pod(models.Model):
    PHASES: ClassVar = [(phase, phase) for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown")]

    job = models.ForeignKey("jobs.Job", on_delete=models.CASCADE, related_name="pods", db_index=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="pods")
    replica = models.PositiveIntegerField(_("replica"))
    name = models.CharField(_("name"), max_length=63)
    uid = models.CharField(max_length=64, blank=True, default="")
    phase = models.CharField(_("phase"), max_length=16, choices=PHASES, default="Pending")
    ready = models.BooleanField(_("ready"), default=False)
    node = models.CharField(_("node"), max_length=253, blank=True, default="")
    exit_code = models.IntegerField(_("exit code"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=64, blank=True, default="")
    message = models.TextField(_("message"), blank=True, default="")
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    observed_at = models.DateTimeField(_("last observed"), null=True, blank=True)
    # Where the platform fetches logs from the cluster: when all of it, or a marker for what is lost, was in the store.
    log_stored_at = models.DateTimeField(_("log stored"), null=True, blank=True)

    class Meta:
        verbose_name = "pod"
        verbose_name_plural = "pods"
        ordering: ClassVar = ["attempt", "replica"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "name"], name="pod_name_once_per_job")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        return self.phase in ("Succeeded", "Failed")
