"""Why a Job has no pods: what the API server said to its controller, from the events FailedCreate. Pure.

"Error creating: pods "x" is forbidden: exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=8, limited:
requests.cpu=9" (plugin ResourceQuota), "… violates PodSecurity "baseline:latest": …" (plugin PodSecurity), "admission
webhook "w" denied the request: …" (kubernetes' staging/src/k8s.io/apiserver/pkg/admission).
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jobs import quantities
from jobs.cluster.base import Notice
from jobs.cluster.diagnosis.excerpt import READ, excerpt
from jobs.cluster.diagnosis.findings import Finding, Stuck
from jobs.states import EndReason

QUOTA = re.compile(r"exceeded quota: ([^,]+), requested: (.+?), used: (.+?), limited: (.+?)(?:;|$)", re.S)
QUOTA_NEEDS = re.compile(r"failed quota: ([^:]+): must specify (\S+)")
LIMIT_RANGE = re.compile(
    r"(?:maximum|minimum) (\S+) usage per (?:Container|Pod) is (\S+?),? but (?:limit|request) is (\S+)"
)
POD_SECURITY = re.compile(r'violates PodSecurity "([^":]+)')
WEBHOOK = re.compile(r'admission webhook "([^"]+)" denied the request|ValidatingAdmissionPolicy \'([^\']+)\'')
WEBHOOK_DOWN = re.compile(r'failed calling webhook "([^"]+)"|failed to call webhook')
ACCOUNT = re.compile(r"error looking up service account ([^/\s]+)/([^:\s]+)")
PRIORITY = re.compile(r"no PriorityClass with name (\S+) was found")
AMOUNT = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)(m|[KMGTP]i|[kMGTP]|)", re.ASCII)
UNITS = {"m": Decimal("0.001"), **{unit: Decimal(size) for unit, size in quantities.MEMORY_UNITS.items()}}
WRAPPING = re.compile(r"^(?:Error creating: )?(?:pods? \"[^\"]*\" is forbidden: )?")


def refusal_finding(notices: Sequence[Notice]) -> Finding | None:
    """From the newest refusal; None when there is none."""
    refused = [one for one in notices if one.reason == "FailedCreate"]
    return read(max(refused, key=lambda one: one.at).message) if refused else None


def read(message: str) -> Finding:
    message = message[:READ]
    params = {"detail": excerpt(WRAPPING.sub("", message))}
    if quota := QUOTA.search(message):
        return quota_finding(quota, params)
    if WEBHOOK_DOWN.search(message):
        return Finding("PodRefused", params | {"variant": "webhookDown"})
    for variant, told in refusals(message):
        return Finding("PodRefused", params | {"variant": variant} | told, Stuck.YES, EndReason.REJECTED)
    return Finding("PodRefused", params)


def refusals(message: str) -> list[tuple[str, dict[str, str]]]:
    """Variants of the sentence with their parameters, of what will be refused as often as it is asked for."""
    found: list[tuple[str, dict[str, str]]] = []
    if match := POD_SECURITY.search(message):
        found.append(("podSecurity", {"level": excerpt(match[1])}))
    if match := QUOTA_NEEDS.search(message):
        found.append(("quotaNeeds", {"quota": excerpt(match[1]), "resource": excerpt(match[2].rstrip(","))}))
    if match := LIMIT_RANGE.search(message):
        found.append(("range", {"resource": excerpt(match[1]), "limit": excerpt(match[2]), "asked": excerpt(match[3])}))
    if match := WEBHOOK.search(message):
        found.append(("webhook", {"webhook": excerpt(match[1] or match[2])}))
    if match := ACCOUNT.search(message):
        found.append(("account", {"account": excerpt(match[2])}))
    if match := PRIORITY.search(message):
        found.append(("priority", {"name": excerpt(match[1])}))
    return found


def quota_finding(found: re.Match[str], params: dict[str, Any]) -> Finding:
    """Of several resources over the quota, the one that can never fit comes first."""
    requested, used, limited = (amounts(found[part]) for part in (2, 3, 4))
    hopeless = [name for name in requested if exceeds(requested[name], limited.get(name, ""))]
    name = (hopeless or list(requested) or [""])[0]
    params |= {"quota": excerpt(found[1]), "resource": excerpt(name), "asked": excerpt(requested.get(name, ""))}
    params |= {"used": excerpt(used.get(name, "")), "limit": excerpt(limited.get(name, ""))}
    if hopeless:
        return Finding("QuotaExceeded", params | {"variant": "never"}, Stuck.YES, EndReason.REJECTED)
    return Finding("QuotaExceeded", params)


def amounts(text: str) -> dict[str, str]:
    """`requests.cpu=2,pods=1` as a mapping."""
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {name: value for name, _, value in pairs if name and value}


def exceeds(asked: str, limit: str) -> bool:
    """Whether one quantity is surely more than the other."""
    wanted, most = number(asked), number(limit)
    return wanted is not None and most is not None and wanted > most


def number(amount: str) -> Decimal | None:
    found = AMOUNT.fullmatch(amount.strip())
    return Decimal(found[1]) * UNITS[found[2]] if found else None
