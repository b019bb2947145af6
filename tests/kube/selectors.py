"""Label and field selectors (Kubernetes: "Labels and Selectors", apimachinery/pkg/labels and /fields)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.kube.errors import bad_request
from tests.kube.resources import Resource

KEY = r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
SET = re.compile(rf"({KEY})\s+(in|notin)\s*\(([^()]*)\)")
EQUAL = re.compile(rf"({KEY})\s*(==|=|!=)\s*({VALUE})")
EXISTS = re.compile(rf"(!?)\s*({KEY})")
LABEL_VALUE = re.compile(VALUE)
FIELD = re.compile(r"\s*([A-Za-z.]+)\s*(==|=|!=)\s*([^,]*)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """`values` None asks only whether the label is there. `negative` turns it round: a label that is missing is
    neither among the values nor there."""

    key: str
    values: frozenset[str] | None
    negative: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        found = value is not None and (self.values is None or value in self.values)
        return found is not self.negative


@dataclass(frozen=True, slots=True)
class Selector:
    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str], fields: Mapping[str, str]) -> bool:
        return all(one.matches(labels) for one in self.labels) and all(one.matches(fields) for one in self.fields)

    @property
    def name(self) -> str:
        """The one object that this can find, when it asks for one by name."""
        for one in self.fields:
            if one.key == "metadata.name" and not one.negative and one.values and len(one.values) == 1:
                return next(iter(one.values))
        return ""


EVERYTHING = Selector()


def parse(resource: Resource, labels: str, fields: str) -> Selector:
    """Raises 400 for a selector that cannot be read, or a field that the kind cannot be selected by."""
    return Selector(tuple(parse_labels(labels)), tuple(parse_fields(resource, fields)))


def parse_labels(text: str) -> Iterator[Requirement]:
    for term in split(text):
        if match := SET.fullmatch(term):
            values = frozenset(value.strip() for value in match[3].split(","))
            if bad := [value for value in values if not LABEL_VALUE.fullmatch(value) or len(value) > 63]:
                raise bad_request(f"unable to parse requirement: values[0][{match[1]}]: Invalid value: {bad[0]!r}")
            yield Requirement(match[1], values, match[2] == "notin")
        elif match := EQUAL.fullmatch(term):
            yield Requirement(match[1], frozenset([match[3]]), match[2] == "!=")
        elif match := EXISTS.fullmatch(term):
            yield Requirement(match[2], None, bool(match[1]))
        else:
            raise bad_request(f"unable to parse requirement: found {term!r}")


def split(text: str) -> list[str]:
    """At the commas that are not within parentheses."""
    return [term.strip() for term in re.split(r",(?![^(]*\))", text) if term.strip()]


def parse_fields(resource: Resource, text: str) -> Iterator[Requirement]:
    allowed = ("metadata.name", "metadata.namespace", *resource.fields)
    for term in filter(None, text.split(",")):
        match = FIELD.fullmatch(term)
        if not match:
            raise bad_request(f"invalid field selector: {term!r}")
        if match[1] not in allowed:
            raise bad_request(f'field label not supported: "{match[1]}"')
        yield Requirement(match[1], frozenset([match[3]]), match[2] == "!=")


def fields_of(resource: Resource, obj: Mapping[str, Any]) -> dict[str, str]:
    """What the object's fields are, for fieldSelectors. One that is missing is empty, as in the API server."""
    metadata = obj["metadata"]
    found = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
    for path, steps in paths_of(resource):
        found[path] = at(obj, path, steps)
    return found


@cache
def paths_of(resource: Resource) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((path, tuple(path.split("."))) for path in resource.fields)


def at(obj: Mapping[str, Any], path: str, steps: tuple[str, ...]) -> str:
    value: Any = obj
    if path == "source":
        return str(obj.get("source", {}).get("component", "") or obj.get("reportingComponent", ""))
    if path == "status.successful":
        return str(obj.get("status", {}).get("succeeded", 0))
    for step in steps:
        value = value.get(step)
        if value is None:
            return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
