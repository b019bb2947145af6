"""The create form: what was typed becomes the API's create body, and the API's own serializer judges it.

The form keeps text; it knows which field a message of the serializer belongs to, and nothing of the rules.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.dashboard.detail import command_text

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
}
PATHS = {path: name for name, path in {**PLAIN, **NUMBERS}.items()}


@dataclass(slots=True)
class EnvRow:
    name: str = ""
    value: str = ""
    secret: bool = False
    error: str = ""


@dataclass(slots=True)
class JobForm:
    """Text of every field as typed, and what is wrong with it."""

    values: dict[str, str]
    envs: list[EnvRow] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def blank(cls, place: str = "") -> "JobForm":
        return cls(values={**DEFAULTS, "place": place}, envs=[EnvRow()])

    @classmethod
    def read(cls, post: QueryDict) -> "JobForm":
        names = [*PLAIN, *NUMBERS, "command", "place", "other"]
        columns = zip(post.getlist("env_name"), post.getlist("env_value"), post.getlist("env_kind"), strict=False)
        return cls(
            values={name: post.get(name, "").replace("\r\n", "\n") for name in names},
            envs=[EnvRow(name.strip(), value, kind == "secret") for name, value, kind in columns] or [EnvRow()],
        )

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> "JobForm":
        """A form that says what an existing job says. Fields the form has no place for go into `other` as JSON; the
        values of secrets are not known and stay empty."""
        rest = json.loads(json.dumps(config))
        values = {name: take(rest, path) for name, path in {**PLAIN, **NUMBERS}.items()}
        values["place"] = f"{rest.pop('resourcePoolId', '')}/{rest.pop('queue', '')}"
        values["command"] = command_text(rest.pop("command", []))
        envs = [EnvRow(env["name"], env.get("value", ""), bool(env.get("secret"))) for env in rest.pop("envs", [])]
        rest.pop("dryRun", None)
        rest = {key: value for key, value in rest.items() if value not in ({}, [], None)}
        values["other"] = json.dumps(rest, ensure_ascii=False, indent=2) if rest else ""
        return cls(values=values, envs=envs or [EnvRow()])

    def body(self) -> dict[str, Any]:
        """The create body of what was typed. Fills `errors` with what cannot even be put into one."""
        body = self.other_fields()
        for name, path in PLAIN.items():
            put(body, path, self.values[name].strip())
        for name, path in NUMBERS.items():
            put(body, path, number(self.values[name]))
        pool, _slash, queue = self.values["place"].partition("/")
        put(body, "resourcePoolId", pool)
        put(body, "queue", queue)
        put(body, "command", self.command())
        if envs := [self.env(row) for row in self.envs if row.name or row.value]:
            body["envs"] = envs
        return body

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
        rows = [row for row in self.envs if row.name or row.value]
        if index is not None and index < len(rows):
            rows[index].error = message
            self.add(f"env-{self.envs.index(rows[index])}", message)
        else:
            self.add(name, message if name != "other" else f"{path}: {message}")

    @property
    def summary(self) -> list[tuple[str, str, str]]:
        """Field, its label and what is wrong with it, in the order of the page."""
        order = list(LABELS)
        names = sorted(self.errors, key=lambda name: order.index(name if name in LABELS else "envs"))
        return [(name, str(LABELS.get(name, LABELS["envs"])), text) for name in names for text in self.errors[name]]

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
        body = body.get(parent, {})
    value = body.pop(last, "")
    return "" if value is None else str(value)


def number(text: str) -> int | str:
    """A whole number where the text is one, else the text, for the serializer to refuse."""
    text = text.strip()
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19 else text
