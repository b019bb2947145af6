"""What the platform does in a pool's namespace, and so what it must be allowed to: the one list of it. The pool check
asks for each, and deploy/kubernetes/rbac.yaml grants just these. Pure."""

from dataclasses import dataclass

from jobs.cluster.kubernetes.options import PoolOptions

KUEUE = "kueue.x-k8s.io"


@dataclass(frozen=True, slots=True)
class Permission:
    """`resource` may have a subresource: `pods/exec`. `optional`: only the pool check asks for it, jobs
    run without. One that is not `namespaced` needs a ClusterRole."""

    group: str
    resource: str
    verb: str
    optional: bool = False
    namespaced: bool = True

    @property
    def rule(self) -> str:
        """As it is written in a Role."""
        return f'apiGroups: ["{self.group}"], resources: ["{self.resource}"], verbs: ["{self.verb}"]'


def each(group: str, resource: str, *verbs: str) -> tuple[Permission, ...]:
    return tuple(Permission(group, resource, verb) for verb in verbs)


ALWAYS = (
    *each("batch", "jobs", "create", "get", "list", "watch", "delete"),
    *each("", "pods", "get", "list", "watch", "delete"),
    *each("", "pods/log", "get"),
    # For a terminal the API server asks for both: get for the WebSocket's request, create for what it does.
    *each("", "pods/exec", "create", "get"),
    *each("", "events", "list", "watch"),
    *each("", "secrets", "create", "get", "list", "patch", "delete"),
    *each("", "services", "create", "get", "list", "patch", "delete"),
)
OF_KUEUE = (
    *each(KUEUE, "workloads", "list"),
    Permission(KUEUE, "localqueues", "get", optional=True),
)
# For the pool check alone. A namespace counts as within itself (apiserver, RequestInfo), so a Role can let it be read.
OF_NAMESPACE = Permission("", "namespaces", "get", optional=True)
OF_NODES = Permission("", "nodes", "list", optional=True, namespaced=False)


def needed(options: PoolOptions) -> tuple[Permission, ...]:
    return ALWAYS + (OF_KUEUE if options.kueue_queue else ()) + (OF_NAMESPACE, OF_NODES)
