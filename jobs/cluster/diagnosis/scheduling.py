"""Why no machine takes a pod: from the scheduler's words in the pod's condition PodScheduled. Pure.

Their form is that of kubernetes' FitError (pkg/scheduler/framework/types.go): "0/5 nodes are available: 3 Insufficient
nvidia.com/gpu, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/5 nodes are available: …"; what
stops the pod wherever it goes, as a missing claim, takes the place of the counted reasons.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from jobs import quantities
from jobs.cluster.base import PodSnapshot, Resources
from jobs.cluster.diagnosis.excerpt import READ, excerpt
from jobs.cluster.diagnosis.findings import Asked, Finding, Stuck
from jobs.states import EndReason

UNSCHEDULABLE = "Unschedulable"
HEAD = re.compile(r"(\d{1,9})/(\d{1,9}) nodes are available: ?(.*)", re.S)
TAIL = re.compile(r"[.,]?\s*(?:no new claims to deallocate|preemption: ).*", re.S)
COUNTED = re.compile(r"(?:^|, )(\d{1,9}) (.+?)(?=, \d{1,9} |$)", re.S)
INSUFFICIENT = re.compile(r"Insufficient (\S+)")
TAINT = re.compile(r"taint(?:\(s\))? \{([^}]*)\}")
CLAIM_MISSING = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
CLAIM_UNBOUND = re.compile(
    r"unbound immediate PersistentVolumeClaims|waiting for (?:a volume|ephemeral volume controller) to|"
    r"persistentvolumeclaim .* is being deleted",
    re.I,
)
NO_NODES = re.compile(r"no nodes available to schedule pods")
KINDS = [
    ("volumes", re.compile(r"volume|persistent|pvc|pv\(s\)", re.I)),
    ("mismatched", re.compile(r"node affinity|node selector|nodeaffinity|NodeName|requested node name", re.I)),
    ("tainted", re.compile(r"taint", re.I)),
    ("cordoned", re.compile(r"were unschedulable|unschedulable: true", re.I)),
    ("crowded", re.compile(r"too many pods", re.I)),
]
VARIANTS = {"mismatched": "labels", "tainted": "taint", "cordoned": "cordoned", "volumes": "volumes", "crowded": "pods"}
SCARCITY = ["memory", "cpu"]  # of two resources that as many machines lack, what is neither is the scarcer one


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many of `nodes` machines refuse a pod, by why. A machine may have several reasons."""

    nodes: int
    lacking: Counter[str] = field(default_factory=Counter)  # by resource
    others: Counter[str] = field(default_factory=Counter)  # by the names of KINDS, or "other"
    taints: tuple[str, ...] = ()


def scheduling_finding(pod: PodSnapshot, asked: Asked) -> Finding | None:
    """None when the scheduler has not refused the pod."""
    message = next(
        (one.message for one in pod.conditions if one.type == "PodScheduled" and one.status is False and one.message),
        "",
    )
    return read(message, asked) if message else None


def read(message: str, asked: Asked) -> Finding:
    message = message[:READ]
    params: dict[str, Any] = {"detail": excerpt(without_preemption(message))}
    if missing := CLAIM_MISSING.search(message):
        params |= {"variant": "missing", "claim": excerpt(missing[1])}
        return Finding("VolumeUnavailable", params, Stuck.YES, EndReason.REJECTED)
    if CLAIM_UNBOUND.search(message):
        return Finding("VolumeUnavailable", params | {"variant": "unbound"})
    if NO_NODES.search(message):
        return Finding(UNSCHEDULABLE, params | {"variant": "none"})
    return Finding(UNSCHEDULABLE, params | refusal_params(refusals(message), asked))


def refusals(message: str) -> Refusals:
    """All zero for words of another form."""
    found = HEAD.search(message)
    if found is None:
        return Refusals(0)
    lacking: Counter[str] = Counter()
    others: Counter[str] = Counter()
    taints = []
    for count, why in COUNTED.findall(TAIL.sub("", found[3]).rstrip(". ")):
        if resource := INSUFFICIENT.search(why):
            lacking[resource[1].rstrip(".,")] += int(count)
            continue
        others[next((name for name, pattern in KINDS if pattern.search(why)), "other")] += int(count)
        taints += [taint.strip(" :") for taint in TAINT.findall(why)]
    return Refusals(int(found[2]), lacking, others, tuple(taints))


def refusal_params(refused: Refusals, asked: Asked) -> dict[str, Any]:
    """Only counts that are not zero are there: a sentence is left out when it has none."""
    params: dict[str, Any] = {"nodes": refused.nodes} if refused.nodes else {}
    params |= {name: count for name, count in refused.others.items() if name != "other"}
    if refused.taints:
        params["taints"] = excerpt(", ".join(sorted(set(refused.taints))))
    if scarcest := scarcest_of(refused.lacking):
        params |= {"variant": "resource", "resource": excerpt(scarcest), "lacking": refused.lacking[scarcest]}
        if amount := amount_of(scarcest, asked):
            params["asked"] = amount
    elif known := [name for name, _ in refused.others.most_common() if name in VARIANTS]:
        params["variant"] = VARIANTS[known[0]]
    return params


def scarcest_of(lacking: Counter[str]) -> str:
    def weight(name: str) -> tuple[int, int, str]:
        return (lacking[name], -SCARCITY.index(name) - 1 if name in SCARCITY else 0, name)

    return max(lacking, key=weight, default="")


def amount_of(resource: str, asked: Asked) -> str:
    """What a replica asks for of it; empty when it is not known."""
    wanted: Resources = asked.resources
    if resource == "cpu" and wanted.cpu_millis:
        return quantities.show_cpu(wanted.cpu_millis)
    if resource == "memory" and wanted.memory_bytes:
        return quantities.show_memory(wanted.memory_bytes)
    if resource == asked.gpu_resource and wanted.gpus:
        return str(wanted.gpus)
    return ""


def without_preemption(message: str) -> str:
    """What would not help either is left out."""
    return TAIL.sub("", message)
