"""The environment and the command of a container, as the kubelet works them out (pkg/kubelet/kubelet_pods.go)."""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.kube.records import Obj

Find = Callable[[str, str, str], Obj | None]
KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class ConfigError(Exception):
    """Waiting reason CreateContainerConfigError: tried again later."""


def environment(pod: Obj, container: Obj, find: Find) -> dict[str, str]:
    """Raises ConfigError when something it refers to is not there."""
    env: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        env.update(whole_source(pod, source, find))
    for each in container.get("env", ()):
        if "valueFrom" in each:
            value = one_value(pod, each["valueFrom"], find)
            if value is None:
                continue
            env[each["name"]] = value
        else:
            env[each["name"]] = expand(each.get("value", ""), env)
    return env


def whole_source(pod: Obj, source: Obj, find: Find) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for key, resource in (("secretRef", "secrets"), ("configMapRef", "configmaps")):
        if key in source:
            data = data_of(pod, resource, source[key], find)
            return {prefix + name: value for name, value in (data or {}).items()}
    return {}


def one_value(pod: Obj, source: Obj, find: Find) -> str | None:
    """None: optional, and not there."""
    for key, resource, kind in (
        ("secretKeyRef", "secrets", "Secret"),
        ("configMapKeyRef", "configmaps", "ConfigMap"),
    ):
        if key not in source:
            continue
        ref = source[key]
        data = data_of(pod, resource, ref, find)
        if data is None or (ref["key"] not in data and ref.get("optional")):
            return None
        if ref["key"] not in data:
            raise ConfigError(f"couldn't find key {ref['key']} in {kind} {namespace(pod)}/{ref['name']}")
        return data[ref["key"]]
    return field(pod, source["fieldRef"]["fieldPath"])


def data_of(pod: Obj, resource: str, ref: Obj, find: Find) -> dict[str, str] | None:
    found = find(resource, namespace(pod), ref["name"])
    if found is None:
        if ref.get("optional"):
            return None
        raise ConfigError(f'{resource.removesuffix("s")} "{ref["name"]}" not found')
    if resource == "configmaps":
        return dict(found.get("data") or {})
    decoded = {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}
    return decoded | (found.get("stringData") or {})


def field(pod: Obj, path: str) -> str:
    """The downward API's fields."""
    if keyed := KEYED.fullmatch(path):
        return str((pod["metadata"].get(keyed[1]) or {}).get(keyed[2], ""))
    value: Any = pod
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None and path not in ("spec.serviceAccountName", "status.podIP", "status.hostIP"):
        raise ConfigError(f"unsupported fieldPath: {path}")
    return str(value or "")


def namespace(pod: Obj) -> str:
    return str(pod["metadata"]["namespace"])


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the variable's value, or stays when there is none; `$$` becomes `$`
    (third_party/forked/golang/expansion)."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return env.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", replace, text)


def command_of(container: Obj, env: Mapping[str, str]) -> list[str]:
    """An image is never looked into, so a container without a command has its arguments as one."""
    return [expand(word, env) for word in (*container.get("command", ()), *container.get("args", ()))]
