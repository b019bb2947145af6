"""The body of POST /api/jobs/create: every field bounded and typed, nothing unknown.

`read` gives what was sent, checked; jobs.api.normalisation makes the job's config of it.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from jobs import quantities
from jobs.states import RETRY_CLASS, EndReason, RetryClass
from jobs_platform.api.fields import Choice, Flag, StrictSerializer, Text, Whole

# execve(2) takes strings of at most 32 pages, the closing NUL included; a variable's name and `=` come off that too.
ARGUMENT_BYTES = 131_071
VALUE_BYTES = 130_000
TEN_YEARS = 315_360_000
RETRYABLE = [reason.value for reason in EndReason if RETRY_CLASS[reason] is not RetryClass.NEVER]

SLUG = RegexValidator(r"^[-a-zA-Z0-9_]+\Z", _("Only letters, digits, - and _ are allowed here."))
IMAGE = RegexValidator(
    re.compile(r"^[A-Za-z0-9][\w.\-/:@+]*\Z", re.ASCII), _("This is no image reference such as registry/image:tag.")
)
ENV_NAME = RegexValidator(
    r"^[A-Za-z_][A-Za-z0-9_.-]*\Z",
    _("A variable's name has letters, digits, _ . - and starts with a letter or _."),
)
LABEL_KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,61}[A-Za-z0-9])?", re.ASCII)
LABEL_RULE = _("A label's name has up to 63 letters, digits, _ . / - and starts and ends with a letter or digit.")
DNS_NAME = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\Z", _("Only lower-case letters, digits, . and - are allowed here.")
)
NOT_ABSOLUTE = _("This must be an absolute path without `..` and `:`.")
ABSOLUTE = RegexValidator(r"^/(?!.*(?:^|/)\.\.(?:/|\Z))[^:\0]*\Z", NOT_ABSOLUTE)


class Amount(Text):
    """A quantity as Kubernetes writes it; a plain number is taken too, and kept as text."""

    _spectacular_annotation: ClassVar[dict[str, Any]] = {
        "field": {"oneOf": [{"type": "string"}, {"type": "number"}], "examples": ["500m", "4Gi"]}
    }

    default_error_messages: ClassVar[dict[str, Any]] = {"amount": _("This is no amount such as %(example)s.")}

    def __init__(self, *, parse: Callable[[str], int], example: str) -> None:
        super().__init__(required=False, max_length=32)
        self.parse, self.example = parse, example

    def to_internal_value(self, data: Any) -> str:
        text = str(data) if type(data) in (int, float) else super().to_internal_value(data)
        try:
            self.parse(text)
        except ValueError:
            raise ValidationError([self.error_messages["amount"] % {"example": self.example}]) from None
        return text


class Command(serializers.ListField):
    """A list of arguments; one string is a line for the shell."""

    _spectacular_annotation: ClassVar[dict[str, Any]] = {
        "field": {
            "oneOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"type": "string"}],
            "description": "One string is run as /bin/sh -c.",
        }
    }

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_a_list": _("This must be a list of strings, or one string for the shell."),
        "empty": _("The command is empty. Give at least the program's name."),
    }

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, str):
            line = data if data.strip() else self.fail("empty")
            return super().to_internal_value(["/bin/sh", "-c", line])
        values: list[str] = super().to_internal_value(data)
        if not values or not values[0].strip():
            self.fail("empty")
        return values


class Labels(serializers.DictField):
    """At most 64; the keys are plain, the values any text."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict) and len(data) > 64:
            raise ValidationError([_("At most 64 labels are possible.")])
        if isinstance(data, dict) and (bad := [key for key in data if not LABEL_KEY.fullmatch(key)]):
            message = _(
                "A label's name has up to 63 letters, digits, _ . / - and starts and ends with a letter or digit."
            )
            raise ValidationError({key[:63]: [message] for key in bad})
        values: dict[str, str] = super().to_internal_value(data)
        return values


class ResourcesBody(StrictSerializer):
    cpu = Amount(parse=quantities.cpu_millis, example="500m, 2")
    memory = Amount(parse=quantities.memory_bytes, example="512Mi, 4Gi")
    gpu = Whole(min_value=0, max_value=1024, required=False)
    gpuType = Text(max_length=63, required=False)
    sharedMemory = Amount(parse=quantities.memory_bytes, example="512Mi, 4Gi")


class EnvBody(StrictSerializer):
    name = Text(max_length=255, validators=[ENV_NAME])
    value = Text(max_bytes=VALUE_BYTES, raw=True, allow_blank=True, required=False)
    secret = Flag(required=False)


class DataSourceBody(StrictSerializer):
    type = Choice(choices=["pvc", "nfs", "emptyDir", "configMap"])
    name = Text(max_length=253, required=False, validators=[DNS_NAME])
    sourcePath = Text(max_length=1024, required=False)
    mountPath = Text(max_length=1024, validators=[ABSOLUTE])
    readOnly = Flag(required=False)
    sizeLimit = Amount(parse=quantities.memory_bytes, example="512Mi, 4Gi")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Which fields each type needs: a claim's or a map's name, an NFS server's name and its path."""
        needed = {"pvc": ["name"], "configMap": ["name"], "nfs": ["name", "sourcePath"], "emptyDir": []}[attrs["type"]]
        errors = {field: [_("A data source of this type needs this field.")] for field in needed if field not in attrs}
        if attrs["type"] == "nfs" and not attrs.get("sourcePath", "/").startswith("/"):
            errors["sourcePath"] = [NOT_ABSOLUTE]
        if ".." in attrs.get("sourcePath", "").split("/"):
            errors["sourcePath"] = [_("A path must not have `..` in it.")]
        if attrs["type"] != "emptyDir" and "sizeLimit" in attrs:
            errors["sizeLimit"] = [_("Only a data source of type emptyDir has a size limit.")]
        if errors:
            raise ValidationError(errors)
        return attrs


class RetryPolicyBody(StrictSerializer):
    maxRetries = Whole(min_value=0, max_value=100, required=False)
    on = serializers.ListField(child=Choice(choices=RETRYABLE), max_length=len(RETRYABLE), required=False)


class CreateBody(StrictSerializer):
    jobName = Text(max_length=128, trim_whitespace=True)
    image = Text(max_length=512, validators=[IMAGE])
    command = Command(child=Text(max_bytes=ARGUMENT_BYTES, raw=True, allow_blank=True), max_length=1000)
    args = serializers.ListField(
        child=Text(max_bytes=ARGUMENT_BYTES, raw=True, allow_blank=True), max_length=1000, required=False
    )
    resourcePoolId = Text(max_length=63, required=False, validators=[SLUG])
    queue = Text(max_length=63, required=False, validators=[SLUG])
    projectId = Text(max_length=63, required=False, validators=[SLUG])
    description = Text(max_length=4096, lines=True, allow_blank=True, required=False)
    labels = Labels(child=Text(max_length=255, allow_blank=True), required=False)
    priority = Choice(choices=["high", "normal", "low"], required=False)
    replicas = Whole(min_value=1, max_value=1000, required=False)
    resources = ResourcesBody(required=False)
    envs = serializers.ListField(child=EnvBody(), required=False, max_length=500)
    workingDir = Text(max_length=1024, required=False, validators=[ABSOLUTE])
    dataSources = serializers.ListField(child=DataSourceBody(), required=False, max_length=32)
    maxRunTimeSeconds = Whole(min_value=1, max_value=TEN_YEARS, required=False)
    retryPolicy = RetryPolicyBody(required=False)
    terminationGracePeriodSeconds = Whole(min_value=0, max_value=3600, required=False)
    imagePullSecret = Text(max_length=253, required=False, validators=[DNS_NAME])
    retentionSeconds = Whole(min_value=0, max_value=TEN_YEARS, required=False)
    dryRun = Flag(required=False)

    def validate_envs(self, envs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return once(envs, "name", _("This variable is given twice. Keep one of them."))

    def validate_dataSources(self, sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return once(sources, "mountPath", _("Something else is mounted at this path. Choose another one."))


def once(items: list[dict[str, Any]], field: str, message: Any) -> list[dict[str, Any]]:
    """Refuses each item whose field was there before."""
    seen: set[str] = set()
    errors: list[dict[str, Any]] = []
    for item in items:
        errors.append({field: [message]} if item[field] in seen else {})
        seen.add(item[field])
    if any(errors):
        raise ValidationError(errors)
    return items
