"""How many jobs each project has in each status: kept by database triggers (migration 0002), so that an exact
totalCount costs a few rows however many jobs there are, whoever writes them."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobCount(models.Model):
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="job_counts", db_index=False)
    status = models.CharField(_("status"), max_length=16)
    count = models.BigIntegerField(_("jobs"), default=0)

    class Meta:
        verbose_name = _("job count")
        verbose_name_plural = _("job counts")
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "status"], name="count_once_per_status")]

    def __str__(self) -> str:
        return f"{self.status}: {self.count}"
