"""The tabs of a job's page: which one the address names, and what it needs beside the job itself."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.dashboard import audit, detail, differences, others
from jobs.dashboard.views.page import reader
from jobs.exceptions import JobNotFound
from jobs.models import Job
from jobs.terminal.recording import reading

TABS = {
    "overview": _("Overview"),
    "metrics": _("Metrics"),
    "events": _("Events"),
    "spec": _("Spec"),
    "audit": _("Audit"),
}


def tab_of(request: HttpRequest) -> str:
    tab = request.GET.get("tab", "")
    return tab if tab in TABS else "overview"


def of_tab(tab: str, request: HttpRequest, shown: detail.Detail) -> dict[str, Any]:
    """What only this tab shows."""
    user = reader(request)
    if tab == "overview":
        return {"recordings": reading.of_job(shown.job) if shown.may_control else []}
    if tab == "metrics":
        return metrics_of(user, request, shown.job)
    if tab == "spec":
        return spec_of(user, request, shown.job)
    return {"audit": audit.rows_of(shown.job)} if tab == "audit" else {}


def metrics_of(user: User, request: HttpRequest, job: Job) -> dict[str, Any]:
    beside, unknown = others.find_all(user, others.words_of(request.GET.getlist("with")))
    jobs = [job, *(other for other in beside if other.pk != job.pk)][: others.MOST_COMPARED]
    shown = [others.compared(one) for one in jobs]
    return {
        "compared": shown,
        "compared_ids": ",".join(one.job.public_id for one in shown),
        "beside_ids": ",".join(one.job.public_id for one in shown[1:]),
        "chart_jobs": [one.for_charts for one in shown],
        "unknown": unknown,
        "offered": others.offered(job),
    }


def spec_of(user: User, request: HttpRequest, job: Job) -> dict[str, Any]:
    word = request.GET.get("against", "").strip()
    context: dict[str, Any] = {"offered": others.offered(job), "against_word": word}
    if word:
        try:
            other = others.find(user, word)
        except JobNotFound:
            return {**context, "unknown": [word]}
        texts = detail.config_text(job.config), detail.config_text(other.config)
        return {**context, "against": other, "diff": differences.line_diff(*texts)}
    return context
