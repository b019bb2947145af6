"""The variables of a replica's container. The same names as on the local pool; the user's own win. Pure."""

import math
from typing import Any

from jobs.cluster.base import AttemptSpec
from jobs.cluster.kubernetes.labels import REPLICA

MASTER_PORT = "29500"  # torchrun's own default; each pod has an address of its own
# What the Job controller itself would add, but at the end of the list, where no other variable can refer to it.
INDEX = "JOB_COMPLETION_INDEX"

Variable = dict[str, Any]


def environment(spec: AttemptSpec) -> list[Variable]:
    """A name that the user gives too is left out of ours, but for the index, which POD_NAME is made of: there the last
    one wins (Kubernetes, EnvVar)."""
    users = [plain(name, value) for name, value in spec.envs]
    users += [from_secret(spec, name, key) for name, key in secret_keys(spec).items()]
    taken = {variable["name"] for variable in users} - {INDEX}
    return [variable for variable in ours(spec) if variable["name"] not in taken] + users


def ours(spec: AttemptSpec) -> list[Variable]:
    name = spec.ref.name
    variables = [
        from_field(INDEX, f"metadata.labels['{REPLICA}']"),
        {"name": "PYTHONUNBUFFERED", "value": "1"},
        {"name": "JOB_ID", "value": spec.ref.job_id},
        {"name": "JOB_ATTEMPT", "value": str(spec.ref.attempt)},
        {"name": "POD_NAME", "value": f"{name}-$({INDEX})"},
        from_field("POD_UID", "metadata.uid"),
    ]
    if spec.resources.cpu_millis:
        threads = math.ceil(spec.resources.cpu_millis / 1000)
        variables.append({"name": "OMP_NUM_THREADS", "value": str(threads)})
    return variables + rendezvous(spec)


def rendezvous(spec: AttemptSpec) -> list[Variable]:
    """What torch.distributed and its like read to find each other: one process a replica. A single replica with several
    GPUs gets none of it, as what starts a process for each of them there (torchrun, Lightning, accelerate) takes these
    for the sign that somebody else did."""
    if spec.replicas == 1 and spec.resources.gpus > 1:
        return []
    name = spec.ref.name
    return [
        from_field("RANK", f"metadata.labels['{REPLICA}']"),
        {"name": "WORLD_SIZE", "value": str(spec.replicas)},
        {"name": "LOCAL_RANK", "value": "0"},
        {"name": "MASTER_ADDR", "value": f"{name}-0.{name}" if spec.replicas > 1 else "127.0.0.1"},
        {"name": "MASTER_PORT", "value": MASTER_PORT},
    ]


def secret_keys(spec: AttemptSpec) -> dict[str, str]:
    """Variable → its key in the Secret. By number: a variable's name may be longer than a key."""
    return {name: f"env-{number}" for number, (name, _value) in enumerate(spec.secret_envs)}


def plain(name: str, value: str) -> Variable:
    return {"name": name, "value": literal(value)}


def from_field(name: str, path: str) -> Variable:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def from_secret(spec: AttemptSpec, name: str, key: str) -> Variable:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": spec.ref.name, "key": key}}}


def literal(text: str) -> str:
    """What the kubelet turns into just this text: in commands, arguments and variables it replaces `$(NAME)` and takes
    `$$` for one `$` (Kubernetes, Container.command), which would spoil the shell's own `$(…)` and `$$`."""
    return text.replace("$", "$$")
