"""The form that makes a personal access token."""

from datetime import datetime, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

DEFAULT_DAYS = 90
LIFETIMES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("one year"))]


class TokenForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=128, error_messages={"required": _("Give the token a name.")})
    days = forms.ChoiceField(
        choices=LIFETIMES, required=False, initial=str(DEFAULT_DAYS), widget=forms.Select(attrs={"class": "input"})
    )

    def expires_at(self, now: datetime) -> datetime:
        return now + timedelta(days=int(self.cleaned_data["days"] or DEFAULT_DAYS))
