"""What admission plugins refuse with 403: pods over a ResourceQuota (plugin/pkg/admission/resourcequota) and pods
against the namespace's pod-security level (k8s.io/pod-security-admission)."""

from tests.kube.pod_security import check_pod_security
from tests.kube.quota import check_quota
from tests.kube.records import Obj
from tests.kube.resources import Resource
from tests.kube.store import Store


def check(store: Store, resource: Resource, obj: Obj) -> list[str]:
    """Warnings. Raises 403. A Job is not refused for what its pods will be refused for."""
    if resource.plural != "pods":
        return []
    check_pod_security(store, obj)
    check_quota(store, obj)
    return []
