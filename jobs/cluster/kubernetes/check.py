"""Asks a cluster for all that a pool needs of it, and changes nothing. jobs.pool_findings says what the answers mean.

One request after the other; the first one that gets no answer ends it, so that a cluster that is silent costs one
timeout."""

import time
from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import msgspec

from jobs.cluster.errors import ClusterError, Forbidden, NotFound
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.client import JSON, Client
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.errors import refused
from jobs.cluster.kubernetes.facts import Facts
from jobs.cluster.kubernetes.permissions import KUEUE, OF_NODES, Permission, needed

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ENFORCED = "pod-security.kubernetes.io/enforce"
MOST_NODES = 500  # enough to learn which resources there are


class Version(wire.Wire):
    git_version: str = ""


class ReviewStatus(wire.Wire):
    allowed: bool = False


class Review(wire.Wire):
    status: ReviewStatus


class NodeStatus(wire.Wire):
    allocatable: dict[str, str | int] = msgspec.field(default_factory=dict)


class Node(wire.Wire):
    status: NodeStatus


class GroupVersion(wire.Wire):
    group_version: str


class Group(wire.Wire):
    name: str
    preferred_version: GroupVersion


class Groups(wire.Wire):
    groups: list[Group]


def ask(access: Access) -> Facts:
    """Raises nothing of the cluster's."""
    client, facts = Client(access), Facts(namespace=access.options.namespace)
    try:
        connection = client.connected()
        facts = replace(facts, namespace=connection.namespace, server=connection.api.configuration.host)
        for part in (greeting, permissions, namespace, nodes, local_queue):
            facts = part(client, facts)
    except ClusterError as exc:
        return replace(facts, failure=str(exc))
    return facts


def greeting(client: Client, facts: Facts) -> Facts:
    """Version, time and clock. That the API server answers is enough: it may keep its version to itself."""
    before, began = time.time(), time.monotonic()
    answer = client.send(client.connected(), "GET", "/version", {"Accept": JSON}, None)
    took = time.monotonic() - began
    if answer.status not in (200, 403):
        raise refused(answer.status, answer.data, "GET /version")
    version = wire.decode(answer.data, Version).git_version if answer.status == 200 else ""
    return replace(
        facts,
        version=version or None,
        milliseconds=took * 1000,
        clock_seconds=clock_difference(answer.headers.get("Date") or "", before, took),
    )


def clock_difference(date: str, before: float, took: float) -> float | None:
    """Seconds by which the other side is ahead; its header is cut to whole seconds."""
    try:
        there = parsedate_to_datetime(date).timestamp() + 0.5
    except (ValueError, TypeError):
        return None
    return there - (before + took / 2)


def permissions(client: Client, facts: Facts) -> Facts:
    allowed = {each: may(client, facts.namespace, each) for each in needed(client.access.options)}
    return replace(facts, allowed=allowed)


def may(client: Client, namespace: str, permission: Permission) -> bool:
    resource, _, subresource = permission.resource.partition("/")
    attributes = {"group": permission.group, "resource": resource, "verb": permission.verb}
    if subresource:
        attributes["subresource"] = subresource
    if permission.namespaced:
        attributes["namespace"] = namespace
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return wire.decode(client.ask("POST", REVIEWS, body=review), Review).status.allowed


def namespace(client: Client, facts: Facts) -> Facts:
    try:
        body = client.ask("GET", f"/api/v1/namespaces/{quote(facts.namespace, safe='')}")
    except Forbidden:
        return facts
    except NotFound:
        return replace(facts, namespace_exists=False)
    labels = wire.decode(body, wire.Object).metadata.labels
    return replace(facts, namespace_exists=True, pod_security=labels.get(ENFORCED, ""))


def nodes(client: Client, facts: Facts) -> Facts:
    if not facts.allowed.get(OF_NODES):
        return facts
    body = client.ask("GET", "/api/v1/nodes", query=[("limit", str(MOST_NODES))])
    found = wire.decode(body, wire.List[Node]).items
    return replace(facts, node_resources=frozenset(name for node in found for name in node.status.allocatable))


def local_queue(client: Client, facts: Facts) -> Facts:
    """Without Kueue its group is not there, nor a queue. (To ask for the group itself gives a 404 without a Status.)"""
    queue = client.access.options.kueue_queue
    if not queue:
        return facts
    groups = wire.decode(client.ask("GET", "/apis"), Groups).groups
    versions = [group.preferred_version.group_version for group in groups if group.name == KUEUE]
    try:
        for version in versions:
            client.get((f"/apis/{version}", "localqueues"), queue)
    except Forbidden:
        return facts
    except NotFound:
        versions = []
    return replace(facts, local_queue_exists=bool(versions))
