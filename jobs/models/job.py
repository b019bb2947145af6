"""The job: the request as submitted and its status. A row here is the registry's only truth about a job."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.identifiers import new_job_id
from jobs.querysets import JobQuerySet
from jobs.states import ACTIVE, FINAL, Desired, JobStatus


class Priority(models.IntegerChoices):
    LOW = 0, "low"
    NORMAL = 50, "normal"
    HIGH = 100, "high"


class Job(models.Model):
    STATUSES: ClassVar = [(status.value, _(status.value)) for status in JobStatus]
    DESIRED: ClassVar = [(desired.value, desired.value) for desired in Desired]

    public_id = models.CharField(_("id"), max_length=20, unique=True, default=new_job_id, editable=False)
    name = models.CharField(_("name"), max_length=128)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="jobs", db_index=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs")
    pool = models.ForeignKey("jobs.ResourcePool", on_delete=models.PROTECT, related_name="jobs", db_index=False)
    queue = models.ForeignKey("jobs.Queue", on_delete=models.PROTECT, related_name="jobs", db_index=False)

    config = models.JSONField(_("config"), help_text=_("The create body, normalised; secret values are kept apart."))
    secret_envs = models.TextField(blank=True, default="", editable=False)  # jobs.secrets: encrypted {name: value}
    labels = models.JSONField(_("labels"), default=dict, blank=True)
    priority = models.SmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    replicas = models.PositiveIntegerField(_("replicas"), default=1)
    # Per replica, for admission: thousandths of a CPU, bytes, whole GPUs. 0 is "did not ask".
    cpu_millis = models.BigIntegerField(default=0)
    memory_bytes = models.BigIntegerField(default=0)
    gpus = models.IntegerField(default=0)

    desired = models.CharField(_("desired"), max_length=8, choices=DESIRED, default=Desired.RUN.value)
    status = models.CharField(_("status"), max_length=16, choices=STATUSES, default=JobStatus.PENDING.value)
    status_reason = models.CharField(_("reason"), max_length=64, blank=True, default="")
    status_params = models.JSONField(default=dict, blank=True)  # what jobs.wording puts into the reason's sentence
    version = models.PositiveIntegerField(default=1, editable=False)
    attempt_number = models.PositiveIntegerField(_("attempt"), default=0)

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    queued_at = models.DateTimeField(_("queued"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    observed_at = models.DateTimeField(_("last observed"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    idempotency_key = models.CharField(max_length=255, null=True, blank=True, editable=False)  # noqa: DJ001 (null is "none": unique)
    request_hash = models.CharField(max_length=64, blank=True, default="", editable=False)

    # The work queue of reconcile: due when next_check_at has come; null when nothing is left to do.
    next_check_at = models.DateTimeField(null=True, blank=True, editable=False, default=timezone.now)
    hints = models.PositiveIntegerField(default=0, editable=False)  # grows with each hint, so a claim sees a new one
    lease_token = models.CharField(max_length=32, blank=True, default="", editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failed checks in a row"), default=0, editable=False)
    last_error = models.TextField(_("last failed check"), blank=True, default="", editable=False)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("training job")
        verbose_name_plural = _("training jobs")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "idempotency_key"], name="idempotency_key_once_per_project"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "-id"], name="job_list", condition=models.Q(deleted_at=None)),
            models.Index(
                fields=["project", "status", "-id"], name="job_list_status", condition=models.Q(deleted_at=None)
            ),
            models.Index(
                fields=["pool", "next_check_at"], name="job_due", condition=models.Q(next_check_at__isnull=False)
            ),
            models.Index(
                fields=["pool", "queue", "status"],
                name="job_active",
                condition=models.Q(status__in=["Pending", "Queued", "Starting", "Running", "Stopping"]),
            ),
            models.Index(fields=["deleted_at"], name="job_tombstones", condition=models.Q(deleted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    @property
    def state(self) -> JobStatus:
        return JobStatus(self.status)

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def confirmed_at(self) -> datetime | None:
        """When its state on the cluster was last known for sure; None when it was never seen there. A look at the job
        tells; and, as long as no look is due, so does the pool's watch, which would have told of a change."""
        if self.observed_at is None or self.is_final or self.pool.watched_at is None:
            return self.observed_at
        watched = min(self.pool.watched_at, self.next_check_at or self.pool.watched_at)
        return max(self.observed_at, watched)

    def duration_seconds(self, now: datetime) -> float | None:
        """Seconds since the job first ran, until its end if it has ended; None when it never started."""
        if self.started_at is None:
            return None
        return max(0.0, ((self.finished_at or now) - self.started_at).total_seconds())
