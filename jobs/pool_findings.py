"""From what a cluster said to what an operator reads: what is fine, what is a problem, and what to do about it.

Without network and database; the texts are in the language that is active."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from jobs.cluster.kubernetes.facts import Facts
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.permissions import Permission
from jobs.findings import Finding, Level

CLOCK_SECONDS = 5.0
LEVELS = ("privileged", "baseline", "restricted")  # each allows less than the one before it
ORDINARY = ("cpu", "memory", "ephemeral-storage", "pods", "hugepages-", "attachable-volumes-")


def findings(facts: Facts, options: PoolOptions) -> list[Finding]:
    found = [*reached(facts), *clock(facts), *permissions(facts), *namespace(facts, options)]
    return [*found, *gpus(facts, options), *kueue(facts, options)]


def reached(facts: Facts) -> Iterator[Finding]:
    subject = _("API server")
    if facts.version or facts.allowed:
        text = _("%(server)s answers in %(ms)d ms, version %(version)s") % {
            "server": facts.server,
            "ms": facts.milliseconds,
            "version": facts.version or "?",
        }
        yield Finding(Level.OK, subject, text)
    if facts.failure:
        fix = _(
            "Correct the kubeconfig in KUBECONFIG_DIR or the pool's options, or see to the network between the "
            "platform and the cluster. Nothing else was looked at."
        )
        yield Finding(Level.PROBLEM, subject, facts.failure, fix)


def clock(facts: Facts) -> Iterator[Finding]:
    if facts.clock_seconds is None:
        return
    late = abs(facts.clock_seconds) > CLOCK_SECONDS
    text = _("differs by %(seconds).1f s from this machine's") % {"seconds": abs(facts.clock_seconds)}
    fix = _("Times of jobs will look wrong, and tokens may be refused. Set both clocks by NTP.") if late else ""
    yield Finding(Level.PROBLEM if late else Level.OK, _("Clock"), text, fix)


def permissions(facts: Facts) -> Iterator[Finding]:
    """A row for each resource with what is allowed, and one for each rule that is missing."""
    asked = [each for each in facts.allowed if not each.optional]
    for group, resource in dict.fromkeys((each.group, each.resource) for each in asked):
        mine = [each for each in asked if (each.group, each.resource) == (group, resource)]
        if granted := [each.verb for each in mine if facts.allowed[each]]:
            yield Finding(Level.OK, resource, ", ".join(granted))
        for each in mine:
            if not facts.allowed[each]:
                fix = _("Add to the Role: %(rule)s. deploy/kubernetes/rbac.yaml has all of them.")
                yield Finding(Level.PROBLEM, resource, not_allowed(each, facts), fix % {"rule": each.rule})


def not_allowed(permission: Permission, facts: Facts) -> str:
    return _("%(verb)s is not allowed in namespace %(namespace)s") % {
        "verb": permission.verb,
        "namespace": facts.namespace,
    }


def namespace(facts: Facts, options: PoolOptions) -> Iterator[Finding]:
    if facts.failure:
        return
    subject, name = _("Namespace"), facts.namespace
    if facts.namespace_exists is False:
        text = _("%(namespace)s does not exist") % {"namespace": name}
        yield Finding(Level.PROBLEM, subject, text, f"kubectl create namespace {name}")
    elif facts.namespace_exists is None:
        text = _("%(namespace)s: the pod security it enforces is not known, as it may not be read") % {
            "namespace": name
        }
        yield Finding(Level.NOTE, subject, text)
    else:
        yield pod_security(subject, facts, options)


def pod_security(subject: str, facts: Facts, options: PoolOptions) -> Finding:
    level = facts.pod_security or "privileged"
    text = _("%(namespace)s enforces pod security %(level)s; the pool's pods are made for %(options)s") % {
        "namespace": facts.namespace,
        "level": level,
        "options": options.pod_security,
    }
    if level in LEVELS and LEVELS.index(level) > LEVELS.index(options.pod_security):
        fix = _("Pods would be refused: give the pool the options podSecurity: restricted and runAsUser.")
        return Finding(Level.PROBLEM, subject, text, fix)
    return Finding(Level.OK, subject, text)


def gpus(facts: Facts, options: PoolOptions) -> Iterator[Finding]:
    if facts.failure:
        return
    resource = options.gpu_resource
    if facts.node_resources is None:
        text = _("whether nodes have %(resource)s is not known, as they may not be listed") % {"resource": resource}
        yield Finding(Level.NOTE, "GPU", text)
    elif resource in facts.node_resources:
        yield Finding(Level.OK, "GPU", _("nodes have %(resource)s") % {"resource": resource})
    else:
        others = sorted(name for name in facts.node_resources if not name.startswith(ORDINARY))
        text = _("no node has %(resource)s (other resources: %(others)s)") % {
            "resource": resource,
            "others": ", ".join(others) or "–",
        }
        fix = _("Jobs that ask for GPUs will wait for ever. Install the device plugin, or set the option gpuResource.")
        yield Finding(Level.NOTE, "GPU", text, fix)


def kueue(facts: Facts, options: PoolOptions) -> Iterator[Finding]:
    if facts.failure or not options.kueue_queue:
        return
    params = {"queue": options.kueue_queue, "namespace": facts.namespace}
    if facts.local_queue_exists:
        yield Finding(Level.OK, "Kueue", _("there is a LocalQueue %(queue)s") % params)
    elif facts.local_queue_exists is None:
        yield Finding(Level.NOTE, "Kueue", _("whether there is a LocalQueue %(queue)s may not be looked up") % params)
    else:
        text = _("there is no LocalQueue %(queue)s in namespace %(namespace)s") % params
        fix = _("Jobs would stay suspended for ever. Create the LocalQueue, install Kueue, or take kueueQueue away.")
        yield Finding(Level.PROBLEM, "Kueue", text, fix)
