"""The shape of the kinds, taken from the official client's models: unknown fields and wrong types are refused in the
API server's words (apimachinery's strict decoding, fieldValidation of Kubernetes 1.27 and later).

The models are imported with the first object that a client sends: a double without clients does without them."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.kube.errors import ApiError, bad_request
from tests.kube.records import Obj
from tests.kube.resources import Resource

MODELS = {"Event": "CoreV1Event"}
QUANTITIES = ("limits", "requests", "hard", "used", "capacity", "allocatable", "default", "defaultRequest")
GO_NAMES = {str: "string", int: "number", float: "number", bool: "bool", dict: "object", list: "array"}
PYTHON = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "datetime": (str,)}
GO_TYPES = {"str": "string", "int": "int32", "float": "float64", "bool": "bool", "datetime": "Time"}


@dataclass(frozen=True, slots=True)
class Shape:
    """`fields` None: no model, anything goes. `plain` is a Python type's name of the client's models."""

    model: str = ""
    plain: str = ""
    items: str = ""  # of a list
    values: str = ""  # of a dict


def checked(resource: Resource, obj: Obj, field_validation: str) -> tuple[Obj, list[str]]:
    """The object without its unknown fields, and a warning for each. Raises 400: another kind, a wrong type, or with
    Strict an unknown field."""
    if obj.get("kind", resource.kind) != resource.kind or obj.get("apiVersion", resource.api_version) != (
        resource.api_version
    ):
        given = f"{obj.get('apiVersion')}, Kind={obj.get('kind')}"
        text = f"{given} in version {resource.version!r} cannot be handled as a {resource.kind}: no kind matches"
        raise bad_request(text)
    if field_validation == "Ignore" or resource.is_custom:
        return obj, []
    unknown: list[str] = []
    try:
        pruned = check_model(model_of(resource), obj, "", unknown)
    except TypeError as exc:
        raise refused(resource, str(exc)) from exc
    if unknown and field_validation == "Strict":
        raise refused(resource, "strict decoding error: " + ", ".join(unknown))
    return pruned, unknown


def model_of(resource: Resource) -> str:
    return MODELS.get(resource.kind, f"V1{resource.kind}")


def refused(resource: Resource, why: str) -> ApiError:
    kind = resource.kind
    return bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {why}')


@cache
def fields(model: str) -> dict[str, str]:
    """JSON name → the client's type."""
    from kubernetes.client import models  # type: ignore[import-untyped,unused-ignore]

    found = getattr(models, model)
    return {found.attribute_map[name]: kind for name, kind in found.openapi_types.items()}


@cache
def shape(kind: str) -> Shape:
    if match := re.fullmatch(r"[Ll]ist\[(.+)\]", kind):
        return Shape(items=match[1])
    if match := re.fullmatch(r"[Dd]ict(?:\[|\()str, (.+)(?:\]|\))", kind):
        return Shape(values=match[1])
    if kind in PYTHON:
        return Shape(plain=kind)
    if re.fullmatch(r"[A-Z]\w*", kind):
        return Shape(model=kind)
    return Shape()  # object: IntOrString, raw JSON


def check_model(model: str, value: Obj, path: str, unknown: list[str]) -> Obj:
    known = fields(model)
    pruned: Obj = {}
    for name, each in value.items():
        where = f"{path}.{name}" if path else name
        if name not in known:
            unknown.append(f'unknown field "{where}"')
        elif each is not None:
            pruned[name] = check(known[name], each, where, unknown)
    return pruned


def check(kind: str, value: Any, path: str, unknown: list[str]) -> Any:
    is_a = shape(kind)
    if is_a.plain:
        if not isinstance(value, PYTHON[is_a.plain]) or (isinstance(value, bool) and is_a.plain != "bool"):
            raise wrong(value, path, GO_TYPES[is_a.plain])
        return value
    if is_a.items:
        return check_list(is_a, value, path, unknown)
    if is_a.values:
        return check_map(is_a, value, path, unknown)
    if is_a.model:
        if not isinstance(value, dict):
            raise wrong(value, path, is_a.model.removeprefix("V1"))
        return check_model(is_a.model, value, path, unknown)
    return value


def check_list(is_a: Shape, value: Any, path: str, unknown: list[str]) -> list[Any]:
    if not isinstance(value, list):
        raise wrong(value, path, "[]" + is_a.items.removeprefix("V1"))
    return [check(is_a.items, each, f"{path}[{number}]", unknown) for number, each in enumerate(value)]


def check_map(is_a: Shape, value: Any, path: str, unknown: list[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong(value, path, "map[string]string")
    if path.rpartition(".")[2] in QUANTITIES:
        return {key: each if isinstance(each, str) else f"{each:g}" for key, each in value.items()}
    return {key: check(is_a.values, each, f"{path}.{key}", unknown) for key, each in value.items()}


def wrong(value: Any, path: str, wanted: str) -> TypeError:
    plain = re.sub(r"\[\d+\]", "", path)
    return TypeError(f"json: cannot unmarshal {GO_NAMES[type(value)]} into Go struct field {plain} of type {wanted}")
