"""What a pool of kind kubernetes may set in ResourcePool.options. Pure: checked before a cluster is ever asked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from jobs import quantities

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
QUALIFIED_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
LARGEST_ID = 2**31 - 1


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogue, as Django's own does, which this module does not know."""
    return text


class Wrong(ValueError):
    """What is wrong with one option: `text` is in the catalogue of translations, `params` are for its places."""

    def __init__(self, text: str, **params: object) -> None:
        self.text, self.params = text, params
        super().__init__(text % params if params else text)


class OptionsInvalid(ValueError):
    """`errors`: option → what is wrong with it."""

    def __init__(self, errors: dict[str, Wrong]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {wrong}" for name, wrong in errors.items()))


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
    errors: dict[str, Wrong] = {}
    values: dict[str, Any] = {}
    for name, value in options.items():
        try:
            if name not in NAMES:
                raise Wrong(gettext_noop("there is no such option"))
            values[NAMES[name]] = CHECKS[NAMES[name]](value)
        except Wrong as exc:
            errors[name] = exc
    if values.get("pod_security") == "restricted" and not values.get("run_as_user"):
        errors.setdefault("runAsUser", Wrong(gettext_noop("the restricted profile needs a user id other than 0")))
    if errors:
        raise OptionsInvalid(errors)
    return PoolOptions(**values)


def matching(pattern: re.Pattern[str], otherwise: str) -> Callable[[Any], str]:
    """An empty text is as good as none."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or (value and not pattern.fullmatch(value)):
            raise Wrong(otherwise)
        return value

    return check


def whole(least: int, most: int) -> Callable[[Any], int | None]:
    def check(value: Any) -> int | None:
        if value is not None and not is_whole(value, least, most):
            raise Wrong(gettext_noop("must be a whole number from %(least)s to %(most)s"), least=least, most=most)
        return value  # type: ignore[no-any-return]  # an int or None now

    return check


def is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def amount(read: Callable[[str], int], otherwise: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong(otherwise)
        try:
            if value:
                read(value)
        except ValueError:
            raise Wrong(otherwise) from None
        return value

    return check


def level(value: Any) -> str:
    if value not in ("baseline", "restricted"):
        raise Wrong(gettext_noop('must be "baseline" or "restricted"'))
    return str(value)


def selector(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise Wrong(gettext_noop("must be an object of node labels and their values"))
    for key, wanted in value.items():
        if not QUALIFIED_NAME.fullmatch(key) or not isinstance(wanted, str) or not LABEL_VALUE.fullmatch(wanted):
            raise Wrong(gettext_noop("%(name)s is not a label's name with a label's value"), name=key)
    return tuple(sorted(value.items()))


def tolerations(value: Any) -> tuple[tuple[tuple[str, Any], ...], ...]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Wrong(gettext_noop("must be a list of objects"))
    for one in value:
        for name, part in one.items():
            if name not in TOLERATION:
                raise Wrong(gettext_noop("%(name)s is no part of a toleration"), name=name)
            if not TOLERATION[name](part):
                raise Wrong(gettext_noop("%(name)s of a toleration cannot be %(value)s"), name=name, value=repr(part))
    return tuple(tuple(sorted(one.items())) for one in value)


# core/v1 Toleration
TOLERATION: dict[str, Callable[[Any], bool]] = {
    "key": lambda value: isinstance(value, str) and bool(QUALIFIED_NAME.fullmatch(value)),
    "operator": lambda value: value in ("Exists", "Equal"),
    "value": lambda value: isinstance(value, str) and bool(LABEL_VALUE.fullmatch(value)),
    "effect": lambda value: value in ("NoSchedule", "PreferNoSchedule", "NoExecute"),
    "tolerationSeconds": lambda value: is_whole(value, 0, LARGEST_ID),
}
CPU = gettext_noop('must be an amount of CPUs in quotation marks, such as "500m" or "64"')
MEMORY = gettext_noop('must be an amount of memory in quotation marks, such as "512Gi"')
CHECKS: dict[str, Callable[[Any], Any]] = {
    "kubeconfig": matching(FILE_NAME, gettext_noop("must be the name of a file in KUBECONFIG_DIR, without a path")),
    "context": matching(re.compile(r".{1,253}"), gettext_noop("must be the name of a context")),
    "namespace": matching(DNS_LABEL, gettext_noop("must be a namespace's name")),
    "gpu_resource": matching(QUALIFIED_NAME, gettext_noop("must be a resource's name, such as nvidia.com/gpu")),
    "gpu_type_label": matching(QUALIFIED_NAME, gettext_noop("must be a node label's name")),
    "pod_security": level,
    "run_as_user": whole(0, LARGEST_ID),
    "run_as_group": whole(0, LARGEST_ID),
    "shared_memory": amount(quantities.memory_bytes, MEMORY),
    "node_selector": selector,
    "tolerations": tolerations,
    "image_pull_secret": matching(SUBDOMAIN, gettext_noop("must be a Secret's name")),
    "image_pull_seconds": whole(1, 86400),
    "kueue_queue": matching(DNS_LABEL, gettext_noop("must be a LocalQueue's name")),
    "retention_seconds": whole(0, 30 * 86400),
    "cpu": amount(quantities.cpu_millis, CPU),
    "memory": amount(quantities.memory_bytes, MEMORY),
    "gpus": whole(0, LARGEST_ID),
}
