"""What one attempt is on a cluster: an Indexed Job, a headless Service when there are several replicas, a Secret when
there are secret variables. Pure, and an allowlist: every field is named here or in pod.py, volumes.py, environment.py,
none is taken over from what the user sent. docs/decisions/0012 has the reasons.

All three have the attempt's name and labels. The Secret and the Service are created before the Job, so that no pod
waits for them, and get it as their owner (owned_by) once its uid is known.
"""

import base64
from typing import Any

from jobs.cluster.base import AttemptSpec
from jobs.cluster.kubernetes.environment import secret_keys
from jobs.cluster.kubernetes.labels import KUEUE_QUEUE, SPEC_HASH, labels_of
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.pod import template

Manifest = dict[str, Any]


def job(spec: AttemptSpec, options: PoolOptions) -> Manifest:
    """Kubernetes retries nothing: a failed pod fails the Job (backoffLimit 0), whose next attempt is the platform's to
    make, and a pod that is still ending is not replaced (podReplacementPolicy)."""
    metadata: Manifest = {
        "name": spec.ref.name,
        "labels": labels_of(spec.ref),
        "annotations": {SPEC_HASH: spec.spec_hash},
    }
    body: Manifest = {
        "completionMode": "Indexed",
        "parallelism": spec.replicas,
        "completions": spec.replicas,
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "template": template(spec, options),
    }
    if options.kueue_queue:
        metadata["labels"][KUEUE_QUEUE] = options.kueue_queue
        body["suspend"] = True
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": body}


def service(spec: AttemptSpec) -> Manifest | None:
    """Makes `<name>-<replica>.<name>` resolve, also before a pod is ready. None when there is only one replica."""
    if spec.replicas == 1:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": spec.ref.name, "labels": labels_of(spec.ref)},
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": labels_of(spec.ref)},
    }


def secret(spec: AttemptSpec) -> Manifest | None:
    """The only object with the values of secret variables. None when there are none."""
    if not spec.secret_envs:
        return None
    keys = secret_keys(spec)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": spec.ref.name, "labels": labels_of(spec.ref)},
        "type": "Opaque",
        "immutable": True,
        "data": {keys[name]: base64.b64encode(value.encode()).decode() for name, value in spec.secret_envs},
    }


def owned_by(name: str, uid: str) -> Manifest:
    """A merge patch for the Secret and the Service: they go when the Job goes. Without blockOwnerDeletion, which some
    clusters allow only to who may update jobs/finalizers."""
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid}
    return {"metadata": {"ownerReferences": [owner]}}
