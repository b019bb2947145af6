"""The secrets of a job that is cloned: they go over to the clone unseen, from server to server.

Only for who may control the job: they could read its environment in a terminal. To anyone else a clone would open what
the owner sealed, so they type the values themselves.
"""

from dataclasses import replace

from django.utils.translation import gettext as _

from accounts.models import User
from jobs import secrets, services
from jobs.api.normalisation import Normalised
from jobs.dashboard.forms.job import JobForm
from jobs.dashboard.rights import Rights
from jobs.exceptions import JobNotFound


def filled(form: JobForm, checked: Normalised, *, actor: User, source: str) -> Normalised | None:
    """`checked` with the source's values where none was typed. None where one is missing, which the form then says."""
    empty = [name for name, value in checked.secrets.items() if not value]
    if not empty:
        return checked
    known = values(actor=actor, source=source)
    for name in empty:
        if name not in known:
            form.place_error("envs", path_of(form, name), _("This secret's value is not known here. Type it again."))
    return None if form.errors else replace(checked, secrets={**checked.secrets, **{one: known[one] for one in empty}})


def names(*, actor: User, source: str) -> frozenset[str]:
    """Of the secrets that need not be typed again."""
    return frozenset(values(actor=actor, source=source))


def values(*, actor: User, source: str) -> dict[str, str]:
    """None of a job that is gone or that the actor may not control."""
    if not source:
        return {}
    try:
        job = services.find_job(actor=actor, public_id=source)
    except JobNotFound:
        return {}
    if not job.secret_envs or not Rights(actor).may_control(job):
        return {}
    return secrets.unseal(job.secret_envs)


def path_of(form: JobForm, name: str) -> str:
    return f"envs[{next(index for index, row in enumerate(form.rows) if row.name == name)}].value"
