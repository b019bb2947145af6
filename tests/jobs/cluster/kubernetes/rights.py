"""The rights of the Role of deploy/kubernetes/rbac.yaml (tests/deploy holds it against the same list)."""

from jobs.cluster.kubernetes.options import parse
from jobs.cluster.kubernetes.permissions import needed
from tests.kube.rbac import Rule

ROLE = [
    Rule((each.group,), (each.resource,), (each.verb,))
    for each in needed(parse({"kueueQueue": "any"}))
    if not each.optional
]
