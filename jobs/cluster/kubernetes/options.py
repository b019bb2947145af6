"""What a pool of kind kubernetes may set in ResourcePool.options. Pure: checked before a cluster is ever asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from jobs import quantities

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
QUALIFIED_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
TOLERATION = {"key", "operator", "value", "effect", "tolerationSeconds"}


class OptionsInvalid(ValueError):
    """`errors`: option → what is wrong with it."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """In JSON the names are camelCase (`gpuResource`). Credentials are never here: `kubeconfig` names a file in
    KUBECONFIG_DIR, and without one the platform's own pod's service account is used."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""  # "": the context's, or that of the platform's own pod
    gpu_resource: str = "nvidia.com/gpu"
    gpu_type_label: str = "nvidia.com/gpu.product"
    pod_security: Literal["baseline", "restricted"] = "baseline"
    run_as_user: int | None = None
    run_as_group: int | None = None
    shared_memory: str = ""  # of each pod that does not ask itself; "": half of its memory limit, or no limit
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[tuple[tuple[str, Any], ...], ...] = ()
    image_pull_secret: str = ""  # for jobs that name none
    image_pull_seconds: int | None = None  # None: the installation's IMAGE_PULL_SECONDS
    kueue_queue: str = ""  # a LocalQueue of the namespace; "": Kueue is not used
    retention_seconds: int = 0  # how long a finished attempt stays on the cluster; a job may ask for another time
    cpu: str = ""  # what the platform may use of the cluster; "": no limit that the platform keeps
    memory: str = ""
    gpus: int | None = None


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


NAMES = {camel(each.name): each.name for each in fields(PoolOptions)}


def parse(options: Mapping[str, Any]) -> PoolOptions:
    """Raises OptionsInvalid naming every option that is unknown or wrong."""
    errors = {name: "there is no such option" for name in options if name not in NAMES}
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name in errors:
            continue
        try:
            values[NAMES[name]] = CHECKS[NAMES[name]](value)
        except (ValueError, TypeError) as exc:
            errors[name] = str(exc)
    if values.get("pod_security") == "restricted" and not values.get("run_as_user"):
        errors["runAsUser"] = "the restricted profile needs a user id other than 0"
    if errors:
        raise OptionsInvalid(errors)
    return PoolOptions(**values)


def matching(pattern: re.Pattern[str], what: str) -> Any:
    def check(value: Any) -> str:
        if not isinstance(value, str) or (value and not pattern.fullmatch(value)):
            raise ValueError(f"must be {what}")
        return value

    return check


def whole(least: int, most: int) -> Any:
    def check(value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return check


def amount(read: Any) -> Any:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a quantity in quotation marks")
        if value:
            read(value)
        return value

    return check


def level(value: Any) -> str:
    if value not in ("baseline", "restricted"):
        raise ValueError('must be "baseline" or "restricted"')
    return str(value)


def selector(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ValueError("must be an object of node labels and their values")
    for key, wanted in value.items():
        if not QUALIFIED_NAME.fullmatch(key) or not isinstance(wanted, str) or not LABEL_VALUE.fullmatch(wanted):
            raise ValueError(f"{key!r} is not a label's name with a label's value")
    return tuple(sorted(value.items()))


def tolerations(value: Any) -> tuple[tuple[tuple[str, Any], ...], ...]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("must be a list of objects")
    for one in value:
        if extra := set(one) - TOLERATION:
            raise ValueError(f"{', '.join(sorted(extra))} is no part of a toleration")
    return tuple(tuple(sorted(one.items())) for one in value)


LARGEST_ID = 2**31 - 1
CHECKS: dict[str, Any] = {
    "kubeconfig": matching(FILE_NAME, "the name of a file in KUBECONFIG_DIR, without a path"),
    "context": matching(re.compile(r".{1,253}"), "the name of a context"),
    "namespace": matching(DNS_LABEL, "a namespace's name"),
    "gpu_resource": matching(QUALIFIED_NAME, "an extended resource's name, such as nvidia.com/gpu"),
    "gpu_type_label": matching(QUALIFIED_NAME, "a node label's name"),
    "pod_security": level,
    "run_as_user": whole(0, LARGEST_ID),
    "run_as_group": whole(0, LARGEST_ID),
    "shared_memory": amount(quantities.memory_bytes),
    "node_selector": selector,
    "tolerations": tolerations,
    "image_pull_secret": matching(re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"), "a Secret's name"),
    "image_pull_seconds": whole(1, 86400),
    "kueue_queue": matching(DNS_LABEL, "a LocalQueue's name"),
    "retention_seconds": whole(0, 30 * 86400),
    "cpu": amount(quantities.cpu_millis),
    "memory": amount(quantities.memory_bytes),
    "gpus": whole(0, LARGEST_ID),
}
