"""What the API server refuses with 422 (pkg/apis/core/validation, pkg/apis/batch/validation): the part of it that a
manifest of a training job can get wrong."""

import re
from collections.abc import Iterator
from typing import Any

from tests.kube import errors
from tests.kube.records import Obj
from tests.kube.resources import Resource

Cause = tuple[str, str, str]
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?")
ENV = re.compile(r"[^=\x00-\x1f\x7f]+")
SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def wrong(field: str, value: Any, text: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return field, "FieldValueInvalid", f"Invalid value: {shown}: {text}"


def required(field: str, text: str = "") -> Cause:
    return field, "FieldValueRequired", "Required value" + (f": {text}" if text else "")


def check(resource: Resource, obj: Obj) -> None:
    """Raises 422 with every cause."""
    causes = [*check_metadata(resource, obj["metadata"])]
    if resource.plural == "pods":
        causes += check_pod(obj.get("spec") or {}, "spec")
    elif resource.plural == "jobs":
        causes += check_job(obj)
    elif resource.plural == "secrets":
        causes += check_secret(obj)
    raise_for(resource, obj, causes)


def raise_for(resource: Resource, obj: Obj, causes: list[Cause]) -> None:
    if causes:
        name = obj["metadata"].get("name") or obj["metadata"].get("generateName", "")
        raise errors.invalid(resource.kind, resource.group, name, causes)


def check_update(resource: Resource, old: Obj, new: Obj) -> None:
    """Raises 422: what may not change, has."""
    causes = [*check_metadata(resource, new["metadata"])]
    if resource.plural == "jobs":
        causes += check_job_update(old, new)
    elif resource.plural == "pods":
        causes += check_pod_update(old, new)
    raise_for(resource, new, causes)


def check_metadata(resource: Resource, metadata: Obj) -> Iterator[Cause]:
    name = metadata.get("name") or metadata.get("generateName", "")
    pattern, longest = (SERVICE, 63) if resource.plural == "services" else (SUBDOMAIN, 253)
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif not pattern.fullmatch(name if metadata.get("name") else name.rstrip("-")):
        yield wrong("metadata.name", name, SUBDOMAIN_TEXT)
    elif len(name) > longest:
        yield wrong("metadata.name", name, f"must be no more than {longest} characters")
    yield from check_labels("metadata.labels", metadata.get("labels") or {})
    for key in metadata.get("annotations") or {}:
        if not LABEL_KEY.fullmatch(key.lower()):
            yield wrong("metadata.annotations", key, "name part must consist of alphanumeric characters")
    if sum(len(key) + len(text) for key, text in (metadata.get("annotations") or {}).items()) > 256 * 1024:
        yield "metadata.annotations", "FieldValueTooLong", "Too long: may not be more than 262144 bytes"
    for number, owner in enumerate(metadata.get("ownerReferences") or ()):
        for part in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(part):
                yield wrong(f"metadata.ownerReferences[{number}].{part}", "", f"{part} must not be empty")


def check_labels(field: str, labels: Obj) -> Iterator[Cause]:
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key):
            yield wrong(field, key, "name part must consist of alphanumeric characters, '-', '_' or '.'")
        if not LABEL_VALUE.fullmatch(value):
            text = "must be no more than 63 characters" if len(value) > 63 else "a valid label must be an empty string "
            yield wrong(field, value, text + ("" if len(value) > 63 else "or consist of alphanumeric characters"))


def check_job(obj: Obj) -> Iterator[Cause]:
    spec, metadata = obj["spec"], obj["metadata"]
    indexed = spec["completionMode"] == "Indexed"
    for field in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        if (spec.get(field) or 0) < 0:
            yield wrong(f"spec.{field}", spec[field], "must be greater than or equal to 0")
    if indexed and spec.get("completions") is None:
        yield required("spec.completions", "when completion mode is Indexed")
    elif indexed and len(longest := f"{metadata.get('name', '')}-{max(spec['completions'] - 1, 0)}") > 63:
        text = f"will not able to create pod with invalid DNS label: {longest}: must be no more than 63 characters"
        yield wrong("metadata.name", metadata.get("name", ""), text)
    elif indexed and not LABEL.fullmatch(metadata.get("name", "")):
        text = f"will not able to create pod with invalid DNS label: {longest}: {LABEL_TEXT}"
        yield wrong("metadata.name", metadata.get("name", ""), text)
    if len(metadata.get("name") or "") > 63:
        yield wrong("spec.template.labels", metadata["name"], "must be no more than 63 characters")
    template = spec["template"]
    yield from check_labels("spec.template.metadata.labels", template["metadata"].get("labels") or {})
    if not template.get("spec"):
        yield required("spec.template.spec.containers")
        return
    if template["spec"]["restartPolicy"] == "Always":
        text = 'Unsupported value: "Always": supported values: "OnFailure", "Never"'
        yield "spec.template.spec.restartPolicy", "FieldValueNotSupported", text
    yield from check_pod(template["spec"], "spec.template.spec")


MUTABLE_WHEN_SUSPENDED = ("nodeSelector", "tolerations", "affinity", "schedulingGates")


def check_job_update(old: Obj, new: Obj) -> Iterator[Cause]:
    """A Job that was never started may still get other node selectors and tolerations, as Kueue gives it."""
    before, after = old["spec"]["template"], new["spec"].get("template")
    if old["spec"].get("suspend") and not old.get("status", {}).get("startTime"):
        before, after = without_placement(before), without_placement(after)
    if before != after:
        shown = "core.PodTemplateSpec" + repr(after)
        yield wrong("spec.template", shown.replace('"', "'"), "field is immutable")
    for field in ("selector", "completionMode"):
        if old["spec"].get(field) != new["spec"].get(field):
            yield wrong(f"spec.{field}", str(new["spec"].get(field)), "field is immutable")


def without_placement(template: Obj) -> Obj:
    spec = {key: value for key, value in template["spec"].items() if key not in MUTABLE_WHEN_SUSPENDED}
    metadata = {key: value for key, value in template["metadata"].items() if key not in ("labels", "annotations")}
    return {"metadata": metadata, "spec": spec}


def check_pod_update(old: Obj, new: Obj) -> Iterator[Cause]:
    mutable = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
    before = {key: value for key, value in old["spec"].items() if key not in mutable}
    after = {key: value for key, value in new["spec"].items() if key not in mutable}
    for spec in (before, after):
        spec["containers"] = [{**each, "image": ""} for each in spec.get("containers", ())]
    if before != after:
        text = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers"
        text += "[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        yield "spec", "FieldValueForbidden", text + "`spec.terminationGracePeriodSeconds`"


def check_secret(obj: Obj) -> Iterator[Cause]:
    for key in obj.get("data") or {}:
        if not SECRET_KEY.fullmatch(key):
            yield wrong(
                f"data[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            )
    if sum(len(text) * 3 // 4 for text in (obj.get("data") or {}).values()) > 1 << 20:
        yield "data", "FieldValueTooLong", "Too long: may not be more than 1048576 bytes"


def check_pod(spec: Obj, path: str) -> Iterator[Cause]:
    containers = spec.get("containers") or []
    if not containers:
        yield required(f"{path}.containers")
    volumes = [volume.get("name", "") for volume in spec.get("volumes") or ()]
    for number, name in enumerate(volumes):
        field = f"{path}.volumes[{number}].name"
        if not LABEL.fullmatch(name) or len(name) > 63:
            yield wrong(field, name, LABEL_TEXT) if name else required(field)
        if name in volumes[:number]:
            yield field, "FieldValueDuplicate", f'Duplicate value: "{name}"'
    names: set[str] = set()
    for number, container in enumerate(containers):
        field = f"{path}.containers[{number}]"
        if container.get("name") in names:
            yield f"{field}.name", "FieldValueDuplicate", f'Duplicate value: "{container["name"]}"'
        names.add(container.get("name", ""))
        yield from check_container(container, field, volumes)
    for key, size in (("hostname", 63), ("subdomain", 63)):
        if spec.get(key) and (not LABEL.fullmatch(spec[key]) or len(spec[key]) > size):
            yield wrong(f"{path}.{key}", spec[key], LABEL_TEXT)


def check_container(container: Obj, path: str, volumes: list[str]) -> Iterator[Cause]:
    name = container.get("name", "")
    if not name:
        yield required(f"{path}.name")
    elif not LABEL.fullmatch(name) or len(name) > 63:
        yield wrong(f"{path}.name", name, LABEL_TEXT)
    image = container.get("image", "")
    if not image:
        yield required(f"{path}.image")
    elif image != image.strip():
        yield wrong(f"{path}.image", image, "must not have leading or trailing whitespace")
    for number, env in enumerate(container.get("env") or ()):
        field = f"{path}.env[{number}]"
        if not ENV.fullmatch(env.get("name", "")):
            yield wrong(f"{field}.name", env.get("name", ""), "a valid environment variable name must not contain '='")
        if env.get("value") and env.get("valueFrom"):
            yield wrong(f"{field}.valueFrom", "", "may not be specified when `value` is not empty")
    yield from check_mounts(container, path, volumes)
    yield from check_resources(container.get("resources") or {}, f"{path}.resources")


def check_mounts(container: Obj, path: str, volumes: list[str]) -> Iterator[Cause]:
    paths: set[str] = set()
    for number, mount in enumerate(container.get("volumeMounts") or ()):
        field = f"{path}.volumeMounts[{number}]"
        if mount.get("name") not in volumes:
            yield f"{field}.name", "FieldValueNotFound", f'Not found: "{mount.get("name", "")}"'
        if not mount.get("mountPath"):
            yield required(f"{field}.mountPath")
        elif mount["mountPath"] in paths:
            yield wrong(f"{field}.mountPath", mount["mountPath"], "must be unique")
        if ".." in (mount.get("subPath") or "").split("/") or (mount.get("subPath") or "").startswith("/"):
            yield wrong(f"{field}.subPath", mount["subPath"], "must be a relative path without '..'")
        paths.add(mount.get("mountPath", ""))


def check_resources(resources: Obj, path: str) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for amount in amounts.values():
            if not QUANTITY.fullmatch(amount):
                text = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                yield wrong(f"{path}.{kind}", amount, text)
                return
    for name, amount in requests.items():
        if name in limits and quantity(amount) > quantity(limits[name]):
            yield wrong(f"{path}.requests", amount, f"must be less than or equal to {name} limit of {limits[name]}")
        if "/" in name and name not in limits:
            yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")
        elif "/" in name and quantity(amount) != quantity(limits[name]):
            yield wrong(f"{path}.requests", amount, f"must be equal to {name} limit of {limits[name]}")


UNITS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
UNITS |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}


def quantity(text: str) -> float:
    """Of CPUs, bytes or pieces."""
    match = QUANTITY.fullmatch(text)
    if not match:
        raise ValueError(text)
    unit = match[2] or ""
    return float(match[1]) * UNITS[unit] if unit in UNITS else float(text)
