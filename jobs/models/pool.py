"""Where jobs run, and in which order."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ResourcePool(models.Model):
    LOCAL: ClassVar = "local"
    KUBERNETES: ClassVar = "kubernetes"
    KINDS: ClassVar = [(LOCAL, _("this machine")), (KUBERNETES, "Kubernetes")]

    name = models.SlugField(_("id"), max_length=63, unique=True)
    display_name = models.CharField(_("name"), max_length=128, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=16, choices=KINDS)
    enabled = models.BooleanField(_("enabled"), default=True, help_text=_("A disabled pool takes no new jobs."))
    draining = models.BooleanField(_("draining"), default=False, help_text=_("Running jobs go on, waiting ones wait."))
    is_default = models.BooleanField(_("default"), default=False)
    options = models.JSONField(_("options"), default=dict, blank=True)
    # What the pool has, as its cluster last said: null is "not known" or "no limit".
    cpu_millis = models.BigIntegerField(_("CPU (thousandths)"), null=True, blank=True)
    memory_bytes = models.BigIntegerField(_("memory (bytes)"), null=True, blank=True)
    gpus = models.IntegerField(_("GPUs"), null=True, blank=True)
    capacity_at = models.DateTimeField(_("capacity read"), null=True, blank=True, editable=False)
    agent_seen_at = models.DateTimeField(_("agent seen"), null=True, blank=True, editable=False)
    watched_at = models.DateTimeField(_("cluster seen"), null=True, blank=True, editable=False)  # by the agent's watch
    # Set while too many of its jobs seem lost at once: nothing is declared lost then (jobs.reconcile.breaker).
    frozen_at = models.DateTimeField(_("frozen"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("resource pool")
        verbose_name_plural = _("resource pools")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.display_name or self.name

    @property
    def is_watched(self) -> bool:
        """Whether its cluster is elsewhere and may be out of sight: `watched_at` tells since when."""
        return self.kind == self.KUBERNETES

    @property
    def fetches_logs(self) -> bool:
        """Whether logs must be fetched from the cluster before its objects may be removed."""
        return self.kind == self.KUBERNETES


class Queue(models.Model):
    pool = models.ForeignKey(ResourcePool, on_delete=models.CASCADE, related_name="queues")
    name = models.SlugField(_("name"), max_length=63)
    priority = models.SmallIntegerField(_("priority"), default=0, help_text=_("Higher goes first within the pool."))
    max_running_jobs = models.PositiveIntegerField(_("running jobs at most"), null=True, blank=True)
    is_default = models.BooleanField(_("default"), default=False)
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering: ClassVar = ["pool", "-priority", "name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["pool", "name"], name="queue_name_once_per_pool")]

    def __str__(self) -> str:
        return f"{self.pool.name}/{self.name}"


class PoolUse(models.Model):
    """What a pool's admitted jobs held of it at one minute, and how many waited: one row a minute, for the pages."""

    pool = models.ForeignKey(ResourcePool, on_delete=models.CASCADE, related_name="uses", db_index=False)
    at = models.DateTimeField(_("at"))
    cpu_millis = models.BigIntegerField(_("CPU (thousandths)"))
    memory_bytes = models.BigIntegerField(_("memory (bytes)"))
    gpus = models.IntegerField(_("GPUs"))
    running = models.IntegerField(_("running"))
    waiting = models.IntegerField(_("waiting"))

    class Meta:
        verbose_name = _("pool use")
        verbose_name_plural = _("pool use")
        ordering: ClassVar = ["pool", "at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["pool", "at"], name="pool_use_once_a_minute")]

    def __str__(self) -> str:
        return f"{self.pool.name} {self.at:%Y-%m-%d %H:%M}"
