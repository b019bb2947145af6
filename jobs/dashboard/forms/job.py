"""The create form: what was typed becomes the API's create body, and the API's own serializer judges it.

The form keeps text; it knows which field a message of the serializer belongs to, and nothing of the rules. A browser
with scripts posts the body itself as JSON (`spec`): it may hold what no field of the form can.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ParseError

from jobs.dashboard.detail import command_text, config_text
from jobs_platform.api.parsers import load_object

# Form field → path of the body.
PLAIN = {
    "jobName": "jobName",
    "image": "image",
    "projectId": "projectId",
    "description": "description",
    "priority": "priority",
    "workingDir": "workingDir",
    "cpu": "resources.cpu",
    "memory": "resources.memory",
    "gpuType": "resources.gpuType",
    "sharedMemory": "resources.sharedMemory",
}
NUMBERS = {
    "replicas": "replicas",
    "gpu": "resources.gpu",
    "maxRunTimeSeconds": "maxRunTimeSeconds",
    "maxRetries": "retryPolicy.maxRetries",
    "terminationGracePeriodSeconds": "terminationGracePeriodSeconds",
}
NAMES = (*PLAIN, *NUMBERS, "command", "place", "other")
ADVANCED = (
    "description",
    "priority",
    "workingDir",
    "gpuType",
    "sharedMemory",
    "terminationGracePeriodSeconds",
    "other",
)
DEFAULTS = {"replicas": "1", "priority": "normal", "image": "python:3.11-slim", "maxRetries": "0"}
PLACES = {"resourcePoolId": "place", "queue": "place", "command": "command", "envs": "envs"}
LABELS: dict[str, Promise] = {
    "jobName": gettext_lazy("Name"),
    "command": gettext_lazy("Command"),
    "image": gettext_lazy("Image"),
    "place": gettext_lazy("Pool and queue"),
    "projectId": gettext_lazy("Project"),
    "replicas": gettext_lazy("Replicas"),
    "cpu": gettext_lazy("CPU"),
    "memory": gettext_lazy("Memory"),
    "gpu": gettext_lazy("GPUs"),
    "maxRunTimeSeconds": gettext_lazy("Time limit"),
    "maxRetries": gettext_lazy("Retries"),
    "envs": gettext_lazy("Environment variables"),
    "priority": gettext_lazy("Priority"),
    "terminationGracePeriodSeconds": gettext_lazy("Grace period"),
    "gpuType": gettext_lazy("GPU type"),
    "sharedMemory": gettext_lazy("Shared memory"),
    "workingDir": gettext_lazy("Working directory"),
    "description": gettext_lazy("Description"),
    "other": gettext_lazy("Other fields (JSON)"),
    "spec": gettext_lazy("JSON"),
}
REQUIRED = ("jobName", "image", "command")
PATHS = {path: name for name, path in {**PLAIN, **NUMBERS}.items()}


@dataclass(slots=True)
class EnvRow:
    name: str = ""
    value: str = ""
    secret: bool = False
    error: str = ""

    @classmethod
    def of(cls, env: Mapping[str, Any]) -> "EnvRow":
        return cls(str(env.get("name", "")), str(env.get("value") or ""), bool(env.get("secret")))


@dataclass(slots=True)
class JobForm:
    """Text of every field as typed, and what is wrong with it. `spec` is the body where it came as JSON."""

    values: dict[str, str]
    envs: list[EnvRow] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    spec: dict[str, Any] | None = None

    @classmethod
    def blank(cls, place: str = "") -> "JobForm":
        return cls(values={**dict.fromkeys(NAMES, ""), **DEFAULTS, "place": place}, envs=[EnvRow()])

    @classmethod
    def read(cls, post: QueryDict) -> "JobForm":
        spec = post.get("spec", "")
        return cls.of_text(spec) if spec else cls.of_fields(post)

    @classmethod
    def of_text(cls, text: str) -> "JobForm":
        try:
            body = load_object(text.encode(errors="replace"))
        except ParseError as error:
            form = cls.of_config({})
            form.spec = {}
            form.add("spec", str(error.detail))
            return form
        return cls.of_body(body)

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> "JobForm":
        form = cls.of_config(body)
        form.spec = dict(body)
        return form

    @classmethod
    def of_fields(cls, post: QueryDict) -> "JobForm":
        columns = zip(post.getlist("env_name"), post.getlist("env_value"), post.getlist("env_kind"), strict=False)
        return cls(
            values={name: post.get(name, "").replace("\r\n", "\n") for name in NAMES},
            envs=[EnvRow(name.strip(), value.replace("\r\n", "\n"), kind == "secret") for name, value, kind in columns]
            or [EnvRow()],
        )

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> "JobForm":
        """A form that says what an existing job says. Fields the form has no place for go into `other` as JSON; the
        values of secrets are not known and stay empty."""
        rest = json.loads(json.dumps(config))
        values = {name: take(rest, path) for name, path in {**PLAIN, **NUMBERS}.items()}
        values["place"] = f"{rest.pop('resourcePoolId', '')}/{rest.pop('queue', '')}"
        values["command"] = command_text(rest.pop("command", ""))
        envs = [EnvRow.of(env) for env in take_envs(rest)]
        rest.pop("dryRun", None)
        rest = {key: value for key, value in rest.items() if value not in ({}, [], None)}
        values["other"] = json.dumps(rest, ensure_ascii=False, indent=2) if rest else ""
        return cls(values=values, envs=envs or [EnvRow()])

    def body(self) -> dict[str, Any]:
        """The create body of what was typed. Fills `errors` with what cannot even be put into one."""
        if self.spec is not None:
            return self.spec
        body = self.other_fields()
        for name, path in PLAIN.items():
            put(body, path, self.values[name].strip())
        for name, path in NUMBERS.items():
            put(body, path, number(self.values[name]))
        pool, _slash, queue = self.values["place"].partition("/")
        put(body, "resourcePoolId", pool)
        put(body, "queue", queue)
        put(body, "command", self.command())
        if envs := [self.env(row) for row in self.rows]:
            body["envs"] = envs
        return body

    @property
    def rows(self) -> list[EnvRow]:
        """Those that stand for a variable of the body, in its order."""
        return [row for row in self.envs if row.name or row.value or self.spec is not None]

    def command(self) -> str | list[Any]:
        text = self.values["command"].strip()
        if not text.startswith("["):
            return text
        try:
            parsed = json.loads(text)
        except ValueError:
            return text  # such as `[ -f checkpoint ] && …`: a shell line
        return parsed if isinstance(parsed, list) else text

    def env(self, row: EnvRow) -> dict[str, Any]:
        env: dict[str, Any] = {"name": row.name, "value": row.value}
        if row.secret:
            env["secret"] = True
        return env

    def other_fields(self) -> dict[str, Any]:
        text = self.values["other"].strip()
        if not text:
            return {}
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError) as error:
            self.add("other", _("This is not JSON: %(error)s.") % {"error": error})
            return {}
        if isinstance(parsed, dict):
            return parsed
        self.add("other", _('This must be a JSON object, such as {"labels": {"team": "vision"}}.'))
        return {}

    def add(self, name: str, message: str) -> None:
        self.errors.setdefault(name, []).append(message)

    def take_errors(self, errors: Mapping[str, list[str]]) -> None:
        """Messages by body path, each to the field that holds it."""
        for path, messages in errors.items():
            name = field_of(path)
            for message in messages:
                self.place_error(name, path, message)

    def place_error(self, name: str, path: str, message: str) -> None:
        index = env_index(path)
        rows = self.rows
        if index is not None and index < len(rows):
            rows[index].error = message
            self.add(f"env-{self.envs.index(rows[index])}", message)
        elif name == "other":
            self.add("other" if self.spec is None else "spec", f"{path}: {message}")
        else:
            self.add(name, message)

    @property
    def summary(self) -> list[tuple[str, str, str]]:
        """Field, its label and what is wrong with it, in the order of the page."""
        order = list(LABELS)
        names = sorted(self.errors, key=lambda name: order.index(name if name in LABELS else "envs"))
        return [(name, str(LABELS.get(name, LABELS["envs"])), text) for name in names for text in self.errors[name]]

    @property
    def spec_text(self) -> str:
        """The body as JSON, as far as it is one. The values of secrets stay out: they are typed again."""
        body = {name: "" for name in REQUIRED} | (self.spec if self.spec is not None else JobForm.body(self.copy()))
        if envs := [env for env in take_envs({"envs": body.get("envs")}) if isinstance(env, dict)]:
            body["envs"] = [{**env} if not env.get("secret") else without_value(env) for env in envs]
        return config_text(body)

    def copy(self) -> "JobForm":
        return JobForm(values=dict(self.values), envs=list(self.envs))

    @property
    def paths(self) -> dict[str, str]:
        """Of the fields that hold one value of the body."""
        return {**PLAIN, **NUMBERS}

    @property
    def is_advanced(self) -> bool:
        """Whether the folded part holds something to see."""
        return any(name in self.errors or self.values.get(name, "") != DEFAULTS.get(name, "") for name in ADVANCED)


def field_of(path: str) -> str:
    """The form field of a body path: the longest known beginning; unknown ones belong to `other`."""
    while path:
        if found := PATHS.get(path) or PLACES.get(path):
            return found
        path = path.rpartition(".")[0] if "[" not in path.rpartition(".")[2] else path.rpartition("[")[0]
    return "other"


def env_index(path: str) -> int | None:
    head, bracket, rest = path.partition("[")
    digits = rest.partition("]")[0]
    return int(digits) if head == "envs" and bracket and digits.isdigit() else None


def take_envs(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The variables, removed from the body. None, and all left there, where they are not a list of objects."""
    envs = body.get("envs")
    if not isinstance(envs, list) or not all(isinstance(env, dict) for env in envs):
        return []
    del body["envs"]
    return envs


def without_value(env: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in env.items() if name != "value"}


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Empty text is "not given" and leaves the body alone."""
    if value == "":
        return
    *parents, last = path.split(".")
    for parent in parents:
        inner = body.setdefault(parent, {})
        if not isinstance(inner, dict):
            return
        body = inner
    body[last] = value


def take(body: dict[str, Any], path: str) -> str:
    """The value at the path as text, removed from the body, or empty text."""
    *parents, last = path.split(".")
    for parent in parents:
        inner = body.get(parent, {})
        if not isinstance(inner, dict):
            return ""
        body = inner
    value = body.pop(last, "")
    return "" if value is None else str(value)


def number(text: str) -> int | str:
    """A whole number where the text is one, else the text, for the serializer to refuse."""
    text = text.strip()
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19 else text
