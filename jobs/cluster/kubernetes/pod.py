"""The pod template of an attempt's Job: one container that runs what the user asked for, as little else as can be.
Pure. Fits the pod security level that the pool names: "baseline", or "restricted"."""

import math
from typing import Any

from jobs.cluster.base import AttemptSpec, Resources
from jobs.cluster.kubernetes.environment import environment, literal
from jobs.cluster.kubernetes.labels import labels_of
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.volumes import mounts, volumes
from jobs.logs.format import CONTAINER

# On top of the job's own time limit, which the platform keeps. The cluster's is there in case the platform is away, and
# counts from when the pod came to its node: an image is pulled in this time, and other replicas are waited for.
DEADLINE_MARGIN = 86_400
# With 0 a deleted pod's object would be gone before the kubelet has ended its processes, and prove nothing.
LEAST_GRACE = 1
# Root images work without: raw sockets serve to spoof addresses on the pods' network, device nodes to reach disks.
BASELINE_DROPS = ["MKNOD", "NET_RAW"]

Part = dict[str, Any]


def template(spec: AttemptSpec, options: PoolOptions) -> Part:
    return {"metadata": {"labels": labels_of(spec.ref)}, "spec": pod_spec(spec, options)}


def pod_spec(spec: AttemptSpec, options: PoolOptions) -> Part:
    part: Part = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": max(LEAST_GRACE, math.ceil(spec.grace_seconds)),
        "securityContext": pod_security(options),
        "containers": [container(spec, options)],
        "volumes": volumes(spec, options),
    }
    if spec.replicas > 1:
        part["subdomain"] = spec.ref.name
    if spec.max_run_seconds is not None:
        part["activeDeadlineSeconds"] = spec.max_run_seconds + DEADLINE_MARGIN
    if pull_secret := spec.image_pull_secret or options.image_pull_secret:
        part["imagePullSecrets"] = [{"name": pull_secret}]
    return part | placement(spec.resources, options)


def container(spec: AttemptSpec, options: PoolOptions) -> Part:
    part: Part = {
        "name": CONTAINER,
        "image": spec.image,
        "command": [literal(word) for word in spec.command],
        "env": environment(spec),
        "volumeMounts": mounts(spec),
        "securityContext": container_security(options),
    }
    if spec.args:
        part["args"] = [literal(word) for word in spec.args]
    if spec.working_dir:
        part["workingDir"] = spec.working_dir
    if amounts := resource_amounts(spec.resources, options):
        part["resources"] = {"requests": amounts, "limits": dict(amounts)}
    return part


def resource_amounts(asked: Resources, options: PoolOptions) -> dict[str, str]:
    amounts = {
        "cpu": f"{asked.cpu_millis}m" if asked.cpu_millis else "",
        "memory": str(asked.memory_bytes) if asked.memory_bytes else "",
        options.gpu_resource: str(asked.gpus) if asked.gpus else "",
    }
    return {name: amount for name, amount in amounts.items() if amount}


def placement(asked: Resources, options: PoolOptions) -> Part:
    """Where the pool wants its pods, and within that where the job wants its own: by affinity, which narrows the pool's
    selector and never replaces it."""
    part: Part = {}
    if options.node_selector:
        part["nodeSelector"] = dict(options.node_selector)
    if options.tolerations:
        part["tolerations"] = [dict(one) for one in options.tolerations]
    if asked.gpu_type:
        wanted = {"key": options.gpu_type_label, "operator": "In", "values": [asked.gpu_type]}
        terms = [{"matchExpressions": [wanted]}]
        part["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        }
    return part


def pod_security(options: PoolOptions) -> Part:
    """With a user or a group of the pool's, volumes belong to the group, or the user could not write to them."""
    part: Part = {"seccompProfile": {"type": "RuntimeDefault"}}
    if options.pod_security == "restricted":
        part["runAsNonRoot"] = True
    if options.run_as_user is not None:
        part["runAsUser"] = options.run_as_user
    if options.run_as_group is not None:
        part["runAsGroup"] = options.run_as_group
    group = options.run_as_group if options.run_as_group is not None else options.run_as_user
    if group is not None:
        part |= {"fsGroup": group, "fsGroupChangePolicy": "OnRootMismatch"}
    return part


def container_security(options: PoolOptions) -> Part:
    drops = ["ALL"] if options.pod_security == "restricted" else BASELINE_DROPS
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": list(drops)}}
