"""What a client reads to learn which kinds there are: /version, /api, /apis and their resource lists, and as much of
/openapi/v3 as kubectl needs to leave validation to the server."""

import hashlib
from collections.abc import Iterable
from typing import Any

from tests.kube.resources import Resource

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0",
    "gitCommit": "0" * 40,
    "gitTreeState": "clean",
    "buildDate": "2026-04-22T00:00:00Z",
    "goVersion": "go1.26.0",
    "compiler": "gc",
    "platform": "linux/amd64",
}
REVIEWS = Resource(
    "selfsubjectaccessreviews", "SelfSubjectAccessReview", "authorization.k8s.io", namespaced=False, verbs=("create",)
)


class Discovery:
    def __init__(self, resources: Iterable[Resource]) -> None:
        self.roots: dict[str, list[Resource]] = {}
        for resource in (*resources, REVIEWS):
            self.roots.setdefault(resource.root, []).append(resource)

    def answer(self, path: str) -> dict[str, Any] | None:
        """None: nothing is there."""
        path = path.rstrip("/")
        if path == "/version":
            return VERSION
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        if path == "/apis":
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": self.groups()}
        if path in self.roots:
            return self.resource_list(path)
        if path == "/openapi/v3":
            return self.openapi_index()
        if path.startswith("/openapi/v3") and path.removeprefix("/openapi/v3") in self.roots:
            return self.openapi(path.removeprefix("/openapi/v3"))
        return next((group for group in self.groups() if path == f"/apis/{group['name']}"), None)

    def groups(self) -> list[dict[str, Any]]:
        found = []
        for resources in self.roots.values():
            first = resources[0]
            if first.group:
                version = {"groupVersion": first.api_version, "version": first.version}
                entry = {"kind": "APIGroup", "apiVersion": "v1", "name": first.group}
                found.append({**entry, "versions": [version], "preferredVersion": version})
        return found

    def resource_list(self, root: str) -> dict[str, Any]:
        resources = self.roots[root]
        entries = [entry for resource in resources for entry in entries_of(resource)]
        head = {"kind": "APIResourceList", "apiVersion": "v1"}
        return {**head, "groupVersion": resources[0].api_version, "resources": entries}

    def openapi_index(self) -> dict[str, Any]:
        version = hashlib.sha256(repr(sorted(self.roots)).encode()).hexdigest()
        roots = {root.lstrip("/"): {"serverRelativeURL": f"/openapi/v3{root}?hash={version}"} for root in self.roots}
        return {"paths": roots}

    def openapi(self, root: str) -> dict[str, Any]:
        """No schemas: only that each kind can be patched, and takes fieldValidation."""
        parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PARAMETERS]
        paths = {}
        for resource in self.roots[root]:
            kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
            namespaced = "/namespaces/{namespace}" if resource.namespaced else ""
            operation = {"parameters": parameters, "responses": {}, "x-kubernetes-group-version-kind": kind}
            paths[f"{root}{namespaced}/{resource.plural}/{{name}}"] = {"patch": operation}
        info = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
        return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")


def entries_of(resource: Resource) -> list[dict[str, Any]]:
    entry = {"name": resource.plural, "singularName": resource.kind.lower(), "namespaced": resource.namespaced}
    entry |= {"kind": resource.kind, "verbs": list(resource.verbs), "shortNames": list(resource.short)}
    subresources = [
        {
            "name": f"{resource.plural}/{each}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": ["get", "patch", "update"] if each == "status" else ["create", "get"],
        }
        for each in resource.subresources
    ]
    return [entry, *subresources]
