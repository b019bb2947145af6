"""SelfSubjectAccessReview: a client asks what it may do (authorization.k8s.io/v1)."""

from tests.kube import errors
from tests.kube.rbac import User
from tests.kube.records import Obj


def review(user: User, body: Obj) -> Obj:
    spec = body.get("spec") or {}
    asked = spec.get("resourceAttributes")
    if asked is None:
        if "nonResourceAttributes" not in spec:
            text = "Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified"
            causes = [("spec.resourceAttributes", "FieldValueInvalid", text)]
            raise errors.invalid("SelfSubjectAccessReview", "authorization.k8s.io", "", causes)
        allowed = True
    else:
        resource = asked.get("resource", "")
        if asked.get("subresource"):
            resource += f"/{asked['subresource']}"
        allowed = user.may(asked.get("verb", ""), asked.get("group", ""), resource, asked.get("namespace", ""))
    status: Obj = {"allowed": allowed}
    if allowed:
        status["reason"] = 'RBAC: allowed by RoleBinding "platform" of Role "platform" to ServiceAccount "platform"'
    return {
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": status,
    }
