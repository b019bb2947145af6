"""The log-in form."""

from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _


class LoginForm(AuthenticationForm):
    error_messages = {  # noqa: RUF012 (declared without ClassVar above)
        "invalid_login": _("The user name or the password is wrong. Check both; the password is case-sensitive."),
        "inactive": _("This account is switched off. Ask an operator of the platform."),
    }
