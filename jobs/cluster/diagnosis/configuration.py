"""What a container cannot be made of: a Secret, a ConfigMap or a key that is not there, a user it may not run as. Pure.

The words are the kubelet's (pkg/kubelet/kubelet_pods.go, pkg/kubelet/kuberuntime/security_context.go).
"""

import re
from typing import Any

from jobs.cluster.base import PodSnapshot
from jobs.cluster.diagnosis.excerpt import READ, excerpt
from jobs.cluster.diagnosis.findings import Finding, Stuck
from jobs.states import EndReason

REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CreatePodSandboxError"}
)
MISSING = re.compile(r'\b(secret|configmap)s? "([^"]+)" not found', re.I)
KEY = re.compile(
    r"couldn't find key (?P<key>\S+) in (?:Secret|ConfigMap) (?P<name>\S+)|"
    r"(?:configmap|secret) references non-existent (?:config |secret )?key: (?P<item>\S+)",
    re.I,
)
ROOT = re.compile(r"runAsNonRoot", re.I)
PASSING = re.compile(
    r"timed out waiting for the condition|deadline exceeded|have not yet been read|is reserved for", re.I
)


def config_finding(pod: PodSnapshot) -> Finding | None:
    """None when the pod does not wait for this."""
    if pod.waiting_reason not in REASONS:
        return None
    if told := config_variant(pod.waiting_message):
        return Finding("ConfigError", told, Stuck.YES, EndReason.REJECTED)
    params = {"variant": "container", "detail": excerpt(pod.waiting_message)}
    if PASSING.search(pod.waiting_message[:READ]):
        return Finding("ConfigError", params)
    return Finding("ConfigError", params, Stuck.YES, EndReason.REJECTED)


def config_variant(message: str) -> dict[str, Any] | None:
    """Parameters of a ConfigError; None for words that tell of no such thing."""
    message = message[:READ]
    params = {"detail": excerpt(message)}
    if missing := MISSING.search(message):
        return params | {"variant": missing[1].lower(), "name": excerpt(missing[2])}
    if key := KEY.search(message):
        name = (key["name"] or "").rpartition("/")[2]
        return params | {"variant": "key", "key": excerpt(key["key"] or key["item"]), "name": excerpt(name)}
    if ROOT.search(message):
        return params | {"variant": "root"}
    return None
