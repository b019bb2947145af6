"""The subset of the API's objects that the platform reads, typed; decoded from raw JSON in one step.

Everything that a cluster may leave out has a default: counters that are zero are absent, `status` is `{}` at first,
times are null (Kubernetes API conventions). A list is another matter: one that has no `items` is a broken answer, not
an empty list. Pure.
"""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes.errors import clean

T = TypeVar("T")


class Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class Owner(Wire):
    kind: str = ""
    name: str = ""
    uid: str = ""


class Meta(Wire):
    name: str = ""
    uid: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: list[Owner] = []
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None  # when the grace ends, or ended
    deletion_grace_period_seconds: int | None = None
    finalizers: list[str] = []
    resource_version: str = ""


class Object(Wire):
    """Any object, of which only the metadata matters (also a PartialObjectMetadata)."""

    metadata: Meta


class Condition(Wire):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class PodTemplateSpec(Wire):
    termination_grace_period_seconds: int | None = None


class PodTemplate(Wire):
    spec: PodTemplateSpec = msgspec.field(default_factory=PodTemplateSpec)


class JobSpec(Wire):
    parallelism: int | None = None
    completions: int | None = None
    suspend: bool | None = None
    template: PodTemplate = msgspec.field(default_factory=PodTemplate)


class JobStatus(Wire):
    conditions: list[Condition] = []
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    completed_indexes: str = ""  # such as "0,2-4"
    terminating: int | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None


class Job(Wire):
    metadata: Meta
    spec: JobSpec = msgspec.field(default_factory=JobSpec)
    status: JobStatus = msgspec.field(default_factory=JobStatus)


class Waiting(Wire):
    reason: str = ""
    message: str = ""


class Running(Wire):
    started_at: datetime | None = None


class Terminated(Wire):
    exit_code: int
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Wire):
    """At most one is set; none means waiting (core/v1 ContainerState)."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Wire):
    name: str = ""
    state: ContainerState = msgspec.field(default_factory=ContainerState)
    restart_count: int = 0


class ResourceRequirements(Wire):
    limits: dict[str, str | int | float] = {}


class Container(Wire):
    name: str = ""
    resources: ResourceRequirements = msgspec.field(default_factory=ResourceRequirements)


class PodSpec(Wire):
    node_name: str = ""
    containers: list[Container] = []
    termination_grace_period_seconds: int | None = None


class PodStatus(Wire):
    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    start_time: datetime | None = None


class Pod(Wire):
    metadata: Meta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)


class Reference(Wire):
    kind: str = ""
    name: str = ""
    uid: str = ""


class Source(Wire):
    component: str = ""


class Series(Wire):
    count: int = 0
    last_observed_time: datetime | None = None


class Event(Wire):
    """core/v1; the scheduler's have no count and no first and last time, but an eventTime."""

    metadata: Meta
    involved_object: Reference = msgspec.field(default_factory=Reference)
    reason: str = ""
    message: str = ""
    type: str = ""
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: Series | None = None
    source: Source = msgspec.field(default_factory=Source)
    reporting_component: str = ""


class WorkloadStatus(Wire):
    conditions: list[Condition] = []


class Workload(Wire):
    """kueue.x-k8s.io; owned by the Job it admits."""

    metadata: Meta
    status: WorkloadStatus = msgspec.field(default_factory=WorkloadStatus)


class ListMeta(Wire):
    resource_version: str = ""
    next: str = msgspec.field(default="", name="continue")


class List(Wire, Generic[T]):
    """`items` has no default on purpose."""

    items: list[T]
    metadata: ListMeta = msgspec.field(default_factory=ListMeta)


class MetadataList(Wire, Generic[T]):
    """A PartialObjectMetadataList: one without objects has `"items": null`, as the API server gathers them in a slice
    that nothing was added to (k8s.io/apiserver, endpoints/handlers/response.go, asPartialObjectMetadataList)."""

    items: list[T] | None
    metadata: ListMeta = msgspec.field(default_factory=ListMeta)


class WatchEvent(Wire):
    """One line of a watch; `object` is decoded once its type is known (an ERROR carries a Status)."""

    type: str
    object: msgspec.Raw


def decode(body: bytes | bytearray | memoryview | msgspec.Raw, kind: type[T]) -> T:
    """Raises Unavailable when the body is not such an object."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Unavailable(f"the API server answered with something else than expected: {clean(str(exc))}") from exc
