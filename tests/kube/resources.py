"""The kinds that the double serves, and where their paths are."""

from dataclasses import dataclass

READ = ("get", "list", "watch")
ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Resource:
    """`fields`: what a fieldSelector may name besides metadata.name and metadata.namespace; `index`: of these, the one
    by which objects are found without a scan."""

    plural: str
    kind: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    verbs: tuple[str, ...] = ALL
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    index: str = ""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_custom(self) -> bool:
        """Defined by a CustomResourceDefinition."""
        return self.group.endswith(".x-k8s.io")

    @property
    def root(self) -> str:
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"


POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)
RBAC = "rbac.authorization.k8s.io"  # kept, without effect: rights are those of rbac.User
CORE = (
    Resource("pods", "Pod", short=("po",), subresources=("status", "log", "exec", "eviction"), fields=POD_FIELDS),
    Resource("services", "Service", short=("svc",)),
    Resource("secrets", "Secret", fields=("type",)),
    Resource("configmaps", "ConfigMap", short=("cm",)),
    Resource("events", "Event", short=("ev",), fields=EVENT_FIELDS, index="involvedObject.uid"),
    Resource("resourcequotas", "ResourceQuota", short=("quota",), subresources=("status",)),
    Resource("limitranges", "LimitRange", short=("limits",)),
    Resource("persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",), subresources=("status",)),
    Resource("serviceaccounts", "ServiceAccount", short=("sa",)),
    Resource("namespaces", "Namespace", namespaced=False, short=("ns",), fields=("status.phase",)),
    Resource(
        "nodes", "Node", namespaced=False, short=("no",), subresources=("status",), fields=("spec.unschedulable",)
    ),
    Resource("jobs", "Job", "batch", "v1", verbs=ALL, subresources=("status",), fields=("status.successful",)),
    Resource("leases", "Lease", "coordination.k8s.io", "v1"),
    Resource("roles", "Role", RBAC),
    Resource("rolebindings", "RoleBinding", RBAC),
    Resource("clusterroles", "ClusterRole", RBAC, namespaced=False),
    Resource("clusterrolebindings", "ClusterRoleBinding", RBAC, namespaced=False),
)
KUEUE = (
    Resource("workloads", "Workload", "kueue.x-k8s.io", "v1beta1", short=("wl",), subresources=("status",)),
    Resource("localqueues", "LocalQueue", "kueue.x-k8s.io", "v1beta1", short=("lq",), subresources=("status",)),
)
