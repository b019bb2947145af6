"""What a cluster said when the pool check asked it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.cluster.kubernetes.permissions import Permission


@dataclass(frozen=True, slots=True)
class Facts:
    """`failure` is why it said no more; None is "not known"."""

    namespace: str
    server: str = ""
    failure: str = ""
    version: str | None = None
    milliseconds: float = 0.0
    clock_seconds: float | None = None  # how far the API server's clock is ahead of this machine's
    allowed: Mapping[Permission, bool] = field(default_factory=dict)
    namespace_exists: bool | None = None
    pod_security: str | None = None  # the level that the namespace enforces; "" is none
    node_resources: frozenset[str] | None = None
    local_queue_exists: bool | None = None
