"""A template: a create body kept under a name, for everyone in its project to start from."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class JobTemplate(models.Model):
    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="templates", db_index=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="templates")
    name = models.CharField(_("name"), max_length=128)
    spec = models.JSONField(_("specification"), help_text=_("The create body, normalised, without values of secrets."))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="template_name_once_per_project")
        ]

    def __str__(self) -> str:
        return self.name
