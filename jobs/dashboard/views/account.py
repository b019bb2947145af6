"""The account page: language, theme, time zone, access tokens, sessions, password."""

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import browser_sessions, personal_tokens, time_zones
from accounts.user_agents import in_words
from jobs.dashboard.forms.tokens import TokenForm
from jobs.dashboard.views.origin import origin_of
from jobs.dashboard.views.page import page, reader
from jobs.exceptions import ValidationFailed
from jobs.models import AuditEntry

MOST_SESSIONS = 50  # shown


@require_safe
@page
def account(request: HttpRequest) -> HttpResponse:
    return show(request)


@require_POST
@page
def create_token(request: HttpRequest) -> HttpResponse:
    """Answers the page itself, not a redirect: the token's text is in this one response and nowhere else."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return show(request, status=400, token_form=form)
    expires_at = form.expires_at(timezone.now())
    try:
        token, secret = personal_tokens.issue(
            user=reader(request), name=form.cleaned_data["name"], expires_at=expires_at, request=request
        )
    except ValidationFailed as error:
        form.add_error("name", error.details["name"])
        return show(request, status=400, token_form=form)
    return show(request, new_token=token, new_secret=secret)


@require_POST
@page
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    personal_tokens.revoke(user=reader(request), pk=str(pk), request=request)
    messages.success(request, _("Token revoked. Requests that use it are refused from now on."))
    return redirect("dashboard:account")


@require_POST
@page
def set_time_zone(request: HttpRequest) -> HttpResponse:
    """Empty is "as the browser says"; a name that is none changes nothing."""
    user, name = reader(request), request.POST.get("timezone", "")
    if not name or name in time_zones.known():
        user.timezone = name
        user.save(update_fields=["timezone"])
    return redirect("dashboard:account")


@require_POST
@page
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    browser_sessions.end(user=reader(request), pk=pk, request=request)
    messages.success(request, _("That browser is logged out."))
    return redirect("dashboard:account")


@require_POST
@page
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    number = browser_sessions.end_others(user=reader(request), request=request)
    messages.success(request, _("Other browsers that are logged out now: %(number)s.") % {"number": number})
    return redirect("dashboard:account")


@require_POST
@page
def change_password(request: HttpRequest) -> HttpResponse:
    form = PasswordChangeForm(reader(request), request.POST)
    if not form.is_valid():
        return show(request, status=400, password_form=form)
    with transaction.atomic():
        audit_password_change(request)
        form.save()
        browser_sessions.end_others(user=reader(request), request=request)
    update_session_auth_hash(request, reader(request))
    messages.success(request, _("Password changed. Other browsers are logged out."))
    return redirect("dashboard:account")


def show(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    user = reader(request)
    context.setdefault("token_form", TokenForm())
    context.setdefault("password_form", PasswordChangeForm(user))
    context["tokens"] = personal_tokens.listed(user)
    context["sessions"] = session_rows(request)
    context["time_zones"] = time_zones.names()
    context["now"] = timezone.now()
    context["memberships"] = user.memberships.select_related("project").order_by("project__slug")
    return render(request, "account.html", context, status=status)


def session_rows(request: HttpRequest) -> list[dict[str, Any]]:
    here = request.session.session_key
    return [
        {"session": one, "browser": in_words(one.agent), "is_here": one.session_key == here}
        for one in browser_sessions.listed(reader(request))[:MOST_SESSIONS]
    ]


def audit_password_change(request: HttpRequest) -> None:
    user, origin = reader(request), origin_of(request)
    AuditEntry(
        actor=user, actor_name=user.username, action="password.change", object_id=user.username, **asdict(origin)
    ).save(force_insert=True)
