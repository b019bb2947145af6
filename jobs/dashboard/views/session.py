"""Log-in, log-out and language."""

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import User
from jobs.dashboard.forms.login import LoginForm
from jobs.dashboard.views.actions import next_page

LANGUAGE_SECONDS = 365 * 86400


class LogIn(LoginView):
    template_name = "login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: LoginForm) -> HttpResponse:  # type: ignore[override]
        """The language the user chose once comes along to every browser."""
        response = super().form_valid(form)
        if isinstance(self.request.user, User) and self.request.user.language:
            remember_language(response, self.request.user.language)
        return response


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("dashboard:login")


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Kept with the user and in this browser. Empty is "as the browser asks"."""
    response = redirect(next_page(request) or "dashboard:jobs")
    code = request.POST.get("language", "")
    if code not in ("", *dict(settings.LANGUAGES)):
        return response
    if isinstance(request.user, User):
        request.user.language = code
        request.user.save(update_fields=["language"])
    remember_language(response, code)
    return response


def remember_language(response: HttpResponse, code: str) -> None:
    if not code:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
        return
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=LANGUAGE_SECONDS,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
