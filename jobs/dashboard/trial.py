"""What a submit of the form would say, by the API's own rules; nothing is submitted."""

from rest_framework.exceptions import ValidationError

from jobs.api.normalisation import Normalised, normalise
from jobs.api.serializers import CreateBody
from jobs.dashboard.forms.job import JobForm
from jobs.exceptions import PlatformError, PoolNotFound, ProjectNotFound, QueueNotFound, ValidationFailed
from jobs_platform.api.field_errors import flatten

BODY = CreateBody()
# What a submit refuses as a whole and a field of the form can mend.
FIELDS: dict[type[PlatformError], str] = {PoolNotFound: "place", QueueNotFound: "place", ProjectNotFound: "projectId"}


def check(form: JobForm) -> Normalised | None:
    """None when there is something wrong, which the form then says."""
    body = form.body()
    try:
        read = BODY.read(body)
    except ValidationError as error:
        form.take_errors(flatten(error.detail))
        return None
    return None if form.errors else normalise(read)


def take_refusal(form: JobForm, error: PlatformError) -> None:
    if isinstance(error, ValidationFailed):
        form.take_errors(error.details)
    else:
        form.add(FIELDS.get(type(error), "other" if form.spec is None else "spec"), error.message)
