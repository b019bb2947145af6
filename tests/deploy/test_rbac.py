"""deploy/kubernetes/rbac.yaml grants just what the platform does, no more and no less."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.permissions import Permission, needed
from tests.kube.server import ApiServer

RBAC = settings.BASE_DIR / "deploy" / "kubernetes" / "rbac.yaml"
KUBECTL = Path(sys.executable).with_name("kubectl")
NEEDED = needed(PoolOptions(kueue_queue="any"))


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(RBAC.read_text()))


def granted(documents: list[dict[str, Any]], kind: str) -> list[tuple[str, str, str]]:
    (role,) = [one for one in documents if one["kind"] == kind]
    return [
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def triples(permissions: list[Permission]) -> list[tuple[str, str, str]]:
    return sorted((each.group, each.resource, each.verb) for each in permissions)


def test_the_role_is_what_the_platform_needs(documents: list[dict[str, Any]]) -> None:
    assert sorted(granted(documents, "Role")) == triples([each for each in NEEDED if each.namespaced])


def test_beyond_the_namespace_it_only_looks(documents: list[dict[str, Any]]) -> None:
    beyond = [each for each in NEEDED if not each.namespaced]
    assert sorted(granted(documents, "ClusterRole")) == triples(beyond)
    assert {each.verb for each in beyond} <= {"get", "list"}
    assert all(each.optional for each in beyond)


def test_both_are_bound_to_the_account_of_the_platform(documents: list[dict[str, Any]]) -> None:
    (account,) = [one["metadata"] for one in documents if one["kind"] == "ServiceAccount"]
    subject = {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    roles = {one["kind"]: one["metadata"]["name"] for one in documents if one["kind"].endswith("Role")}
    bindings = [one for one in documents if one["kind"].endswith("Binding")]
    assert {one["roleRef"]["kind"]: one["roleRef"]["name"] for one in bindings} == roles
    assert all(one["subjects"] == [subject] for one in bindings)


def test_everything_is_in_one_namespace(documents: list[dict[str, Any]]) -> None:
    (namespace,) = [one["metadata"]["name"] for one in documents if one["kind"] == "Namespace"]
    within = [one["metadata"].get("namespace") for one in documents if not one["kind"].startswith(("Cluster", "Names"))]
    assert set(within) == {namespace}


def test_kubectl_applies_it_twice(documents: list[dict[str, Any]], tmp_path: Path) -> None:
    """With the fields checked against the API's schema."""
    with ApiServer(simulate=True) as server:
        token = server.call(server.plane.users.add, "root", cluster_wide=True)
        kubeconfig = server.kubeconfig(tmp_path / "kubeconfig", token=token)
        for _time in range(2):
            done = subprocess.run(
                [KUBECTL, f"--kubeconfig={kubeconfig}", "apply", "--validate=strict", "-f", RBAC],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert len(done.stdout.splitlines()) == len(documents)
        assert server.get("roles", "jobs-platform")["rules"]
