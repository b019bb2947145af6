"""The menu and the mark of the operators' pages. The menu goes by what one looks for rather than by Django's apps."""

from typing import Any

from django.apps import apps
from django.contrib.admin import site
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

GROUPS: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (_("Training jobs"), ("jobs.Job", "jobs.Attempt", "jobs.Pod", "jobs.Event", "jobs.JobTemplate", "jobs.SavedView")),
    (_("Where jobs run"), ("jobs.ResourcePool", "jobs.Queue", "jobs.JobCount", "jobs.PoolUse")),
    (_("People"), ("accounts.User", "accounts.Project", "accounts.Membership", "auth.Group")),
    (
        _("Keys and log-ins"),
        (
            "accounts.ApiToken",
            "token_blacklist.OutstandingToken",
            "token_blacklist.BlacklistedToken",
            "accounts.EndedLogin",
            "axes.AccessAttempt",
            "accounts.KnownAddress",
            "accounts.BrowserSession",
        ),
    ),
    (
        _("What was done"),
        (
            "jobs.AuditEntry",
            "jobs.TerminalSession",
            "jobs.TerminalRecording",
            "jobs.TerminalTicket",
            "jobs.TerminalServer",
            "admin.LogEntry",
        ),
    ),
)


def mark(request: HttpRequest) -> str:
    return static("img/mark.svg")


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """unfold's SIDEBAR navigation: what this user may see, empty groups left out."""
    shown = [{"title": title, "items": items(request, labels)} for title, labels in GROUPS]
    return [group for group in shown if group["items"]]


def items(request: HttpRequest, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    models = [apps.get_model(label) for label in labels]
    return [
        {
            "title": model._meta.verbose_name_plural,
            "link": reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
        }
        for model in models
        if site._registry[model].has_view_permission(request)
    ]
