"""What the API server adds to an object by itself (pkg/apis/core/v1/defaults.go, pkg/apis/batch/v1/defaults.go, and the
strategies of pods and jobs)."""

import base64
import copy
import random
import uuid
from typing import Any

from tests.kube.records import Obj
from tests.kube.resources import Resource

JOB_NAME = "batch.kubernetes.io/job-name"
CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
SERVER_SET = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")
WITH_STATUS = ("pods", "jobs", "workloads", "resourcequotas", "persistentvolumeclaims", "nodes", "localqueues")


def on_create(resource: Resource, obj: Obj) -> None:
    if resource.plural in WITH_STATUS:
        obj["status"] = {}
    if resource.plural == "pods":
        pod_spec(obj.get("spec") or {})
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj.get("spec") or {})}
    elif resource.plural == "jobs":
        job(obj)
    elif resource.plural == "secrets":
        secret(obj)
    elif resource.plural == "services":
        service(obj)


def on_update(resource: Resource, old: Obj, new: Obj, subresource: str) -> Obj:
    """The object that is to be stored: the status from one side, the rest from the other."""
    if subresource == "status":
        return {**old, "status": new.get("status", {})}
    if subresource == "" and resource.plural in WITH_STATUS:
        new = {**new, "status": old.get("status", {})}
    metadata = new["metadata"]
    for name in SERVER_SET:
        metadata.pop(name, None)
        if name in old["metadata"]:
            metadata[name] = old["metadata"][name]
    if resource.plural == "jobs":
        job_template(new)
        if new["spec"] != old["spec"]:
            metadata["generation"] = old["metadata"].get("generation", 1) + 1
    if resource.plural == "secrets":
        secret(new)
    return new


def pod_spec(spec: Obj) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        tag = container.get("image", "").rpartition("/")[2].partition(":")[2]
        container.setdefault("imagePullPolicy", "IfNotPresent" if tag not in ("", "latest") else "Always")
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("resources", {})
        limits = container["resources"].get("limits")
        if limits:
            requests = container["resources"].setdefault("requests", {})
            for name, amount in limits.items():
                requests.setdefault(name, amount)
    for volume in spec.get("volumes", ()):
        for kind in ("secret", "configMap"):
            if isinstance(volume.get(kind), dict):
                volume[kind].setdefault("defaultMode", 420)


def qos_class(spec: Obj) -> str:
    resources = [each.get("resources", {}) for each in spec.get("containers", ())]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    for each in resources:
        limits, requests = each.get("limits", {}), each.get("requests", {})
        if any(name not in limits or limits[name] != requests.get(name) for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


def job(obj: Obj) -> None:
    """The Job's uid is set here: the labels of its pods carry it."""
    metadata, spec = obj["metadata"], obj.setdefault("spec", {})
    metadata["uid"] = new_uid()
    metadata["generation"] = 1
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    job_template(obj)
    labels = spec["template"]["metadata"].setdefault("labels", {})
    for prefix in ("batch.kubernetes.io/", ""):
        labels[f"{prefix}controller-uid"] = metadata["uid"]
        labels[f"{prefix}job-name"] = metadata.get("name", "")
    if not spec.get("manualSelector"):
        spec["selector"] = {"matchLabels": {CONTROLLER_UID: metadata["uid"]}}


def job_template(obj: Obj) -> None:
    template: dict[str, Any] = obj["spec"].setdefault("template", {})
    template.setdefault("metadata", {})
    if template.get("spec"):
        pod_spec(template["spec"])


def secret(obj: Obj) -> None:
    obj.setdefault("type", "Opaque")
    for name, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()


def service(obj: Obj) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("clusterIP", "10.96.0.10")
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def new_uid() -> str:
    """As good as any for telling objects apart, and without asking the kernel for each."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def pod_from(template: Obj) -> Obj:
    """A pod as a template describes it."""
    metadata = copy.deepcopy(template.get("metadata", {}))
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": copy.deepcopy(template["spec"])}
