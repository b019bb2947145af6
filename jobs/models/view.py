"""The job list as somebody likes to see it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="views", db_index=False)
    name = models.CharField(_("name"), max_length=40)
    params = models.CharField(_("filters"), max_length=2000, blank=True, default="")  # the list's query string

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "name"], name="view_once_per_name")]

    def __str__(self) -> str:
        return self.name
