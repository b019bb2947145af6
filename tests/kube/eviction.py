"""The pods' eviction subresource (Kubernetes: "API-initiated Eviction")."""

from tests.kube.pods import set_pod_condition
from tests.kube.records import Obj
from tests.kube.requests_seen import Info
from tests.kube.store import Store

EVICTED = ("EvictionByEvictionAPI", "Eviction API: evicting")


def evict(store: Store, info: Info, body: Obj) -> Obj:
    """Raises 404."""
    options = body.get("deleteOptions") or {}
    disrupt(store, info.namespace, info.name, *EVICTED, options.get("gracePeriodSeconds"))
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def disrupt(
    store: Store, namespace: str, name: str, reason: str, message: str, grace_seconds: int | None = None
) -> None:
    """The pod says why it is deleted, and is deleted."""

    def edit(pod: Obj) -> None:
        set_pod_condition(pod, "DisruptionTarget", "True", reason, message)

    store.change("pods", namespace, name, edit)
    store.delete("pods", namespace, name, grace_seconds=grace_seconds)
