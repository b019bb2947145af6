"""The three kinds of patch: merge (RFC 7396), JSON (RFC 6902), and strategic merge, which knows the lists whose items
have a key (Kubernetes: "Update API Objects in Place Using kubectl patch")."""

import copy
from typing import Any

from tests.kube.errors import ApiError, bad_request

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
# The lists that strategic merge joins by a key; others are replaced. The set is that of a list of plain strings.
KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "ownerReferences": "uid",
    "conditions": "type",
}
SETS = ("finalizers",)


def apply(content_type: str, obj: dict[str, Any], patch: Any) -> dict[str, Any]:
    """The patched copy. Raises 415 for another content type, 400 or 422 for a patch that does not fit."""
    kind = content_type.split(";")[0].strip()
    target = copy.deepcopy(obj)
    if kind == JSON:
        patched: dict[str, Any] = json_patch(target, patch)
        return patched
    if not isinstance(patch, dict):
        raise bad_request("json: cannot unmarshal array into Go value of type map[string]interface {}")
    if kind == MERGE:
        merged: dict[str, Any] = merge(target, patch)
        return merged
    if kind == STRATEGIC:
        return strategic(target, patch)
    message = f"the body of the request was in an unknown format - accepted media types include: {JSON}, {MERGE}, "
    raise ApiError(415, "UnsupportedMediaType", message + STRATEGIC)


def merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            target[name] = [each for each in target.get(name, []) if each not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            target[key] = strategic(target.get(key) or {}, value)
        elif isinstance(value, list):
            target[key] = strategic_list(key, target.get(key) or [], value)
        else:
            target[key] = value
    return target


def strategic_list(field: str, target: list[Any], patch: list[Any]) -> list[Any]:
    if field in SETS:
        return target + [each for each in patch if each not in target]
    key = KEYS.get(field)
    if key is None or not all(isinstance(each, dict) for each in patch):
        return patch
    items = {each.get(key): each for each in target}
    for each in patch:
        if each.get("$patch") == "delete":
            items.pop(each.get(key), None)
        else:
            items[each.get(key)] = strategic(items.get(each.get(key), {}), each)
    return list(items.values())


def json_patch(target: Any, operations: Any) -> Any:
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for operation in operations:
        try:
            target = apply_operation(target, operation)
        except (KeyError, IndexError, ValueError, TypeError) as exc:
            text = "the server rejected our request due to an error in our request"
            raise ApiError(422, "Invalid", text, {}) from exc
    return target


def apply_operation(target: Any, operation: dict[str, Any]) -> Any:
    action, path = operation["op"], operation["path"]
    if action in ("move", "copy"):
        value = copy.deepcopy(look_up(target, operation["from"]))
        if action == "move":
            target = put(target, operation["from"], "remove", None)
        return put(target, path, "add", value)
    if action == "test":
        if look_up(target, path) != operation["value"]:
            raise ValueError(path)
        return target
    if action not in ("add", "remove", "replace"):
        raise ValueError(action)
    return put(target, path, action, operation.get("value"))


def steps_of(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(path)
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def look_up(target: Any, path: str) -> Any:
    for step in steps_of(path):
        target = target[int(step)] if isinstance(target, list) else target[step]
    return target


def put(target: Any, path: str, action: str, value: Any) -> Any:
    steps = steps_of(path)
    if not steps:
        return value
    parent = target
    for step in steps[:-1]:
        parent = parent[int(step)] if isinstance(parent, list) else parent[step]
    if isinstance(parent, list):
        put_in_list(parent, steps[-1], action, value)
    elif action == "remove":
        del parent[steps[-1]]
    else:
        if action == "replace":
            parent[steps[-1]]  # must be there
        parent[steps[-1]] = value
    return target


def put_in_list(parent: list[Any], step: str, action: str, value: Any) -> None:
    if action == "add":
        parent.insert(len(parent) if step == "-" else int(step), value)
    elif action == "remove":
        del parent[int(step)]
    else:
        parent[int(step)] = value
