"""ResourceQuota: the hard limits of the namespace, counted over its pods that are not over."""

from collections import Counter

from tests.kube import errors
from tests.kube.records import Obj
from tests.kube.store import Store
from tests.kube.validation import quantity


def check_quota(store: Store, pod: Obj) -> None:
    """Raises 403, naming the quota and what is over it."""
    namespace = pod["metadata"]["namespace"]
    quotas = store.list("resourcequotas", namespace)
    if not quotas:
        return
    used = usage(store, namespace)
    asked = of_pod(pod)
    for quota in quotas:
        hard = quota["spec"].get("hard") or {}
        missing = [
            name for name in sorted(hard) if name not in asked and name.partition(".")[0] in ("requests", "limits")
        ]
        name = quota["metadata"]["name"]
        if missing := [each for each in missing if each.count("/") == 0]:
            why = f"failed quota: {name}: must specify {', '.join(f'{each} for: main' for each in missing)}"
            raise errors.forbidden("pods", pod["metadata"]["name"], why)
        over = [each for each in sorted(hard) if each in asked and asked[each] + used[each] > quantity(hard[each])]
        if over:
            shown = [",".join(f"{each}={amount(table[each])}" for each in over) for table in (asked, used)]
            limits = ",".join(f"{each}={hard[each]}" for each in over)
            why = f"exceeded quota: {name}, requested: {shown[0]}, used: {shown[1]}, limited: {limits}"
            raise errors.forbidden("pods", pod["metadata"]["name"], why)


def usage(store: Store, namespace: str) -> Counter[str]:
    used: Counter[str] = Counter()
    for pod in store.list("pods", namespace):
        if pod["status"].get("phase") not in ("Succeeded", "Failed"):
            used.update(of_pod(pod))
    return used


def of_pod(pod: Obj) -> Counter[str]:
    """By the names that a quota has for them."""
    asked: Counter[str] = Counter({"pods": 1, "count/pods": 1})
    for container in pod["spec"]["containers"]:
        for kind in ("requests", "limits"):
            for name, text in (container.get("resources", {}).get(kind) or {}).items():
                asked[f"{kind}.{name}"] += quantity(text)  # type: ignore[assignment]
                if kind == "requests" and name in ("cpu", "memory"):
                    asked[name] += quantity(text)  # type: ignore[assignment]
    return asked


def amount(value: float) -> str:
    return f"{value:g}" if value == int(value) else f"{round(value * 1000)}m"
