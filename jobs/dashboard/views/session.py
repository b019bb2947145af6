"""Log-in, log-out, language and theme."""

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import Theme, User
from jobs.dashboard.forms.login import LoginForm
from jobs.dashboard.views.actions import next_page

YEAR_SECONDS = 365 * 86400
THEME_COOKIE = "theme"  # platform.js writes it too


class LogIn(LoginView):
    template_name = "login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: LoginForm) -> HttpResponse:  # type: ignore[override]
        """The language and the theme the user chose once come along to every browser."""
        response = super().form_valid(form)
        if isinstance(self.request.user, User) and self.request.user.language:
            remember_language(response, self.request.user.language)
        if isinstance(self.request.user, User) and self.request.user.theme:
            remember(response, THEME_COOKIE, self.request.user.theme)
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


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Kept with the user and in this browser. Empty is "as the browser says"."""
    response = redirect(next_page(request) or "dashboard:account")
    theme = request.POST.get("theme", "")
    if theme not in ("", *Theme.values) or not isinstance(request.user, User):
        return response
    request.user.theme = theme
    request.user.save(update_fields=["theme"])
    remember(response, THEME_COOKIE, theme)
    return response


def remember_language(response: HttpResponse, code: str) -> None:
    remember(response, settings.LANGUAGE_COOKIE_NAME, code)


def remember(response: HttpResponse, cookie: str, value: str) -> None:
    if not value:
        response.delete_cookie(cookie, samesite="Lax")
        return
    response.set_cookie(
        cookie,
        value,
        max_age=YEAR_SECONDS,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
