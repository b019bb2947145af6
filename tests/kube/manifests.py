"""Objects that the tests of the double create."""

from typing import Any


def job(name: str = "train", *, pods: int = 1, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": labels or {}}, "spec": pod_spec()}
    spec = {"completions": pods, "parallelism": pods, "completionMode": "Indexed", "backoffLimit": 0, **spec}
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template, **spec}}


def pod_spec(**container: Any) -> dict[str, Any]:
    main = {"name": "main", "image": "busybox:1.37", "command": ["sleep", "60"], **container}
    return {"restartPolicy": "Never", "containers": [main]}


def pod(name: str = "single", *, labels: dict[str, str] | None = None, **container: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(**container)}


def config_map(name: str = "settings", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"a": "b"}}
