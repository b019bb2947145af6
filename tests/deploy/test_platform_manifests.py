"""deploy/kubernetes/example, and so the base it stands on: built by the real kubectl, held against the schemas of
Kubernetes, against docker-compose.yml and against what the code reads."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.conf import settings

ROOT: Path = settings.BASE_DIR
KUBECTL = Path(sys.executable).with_name("kubectl")
OURS = {"migrate", "web", "worker", "beat", "agent"}
Document = dict[str, Any]


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    built = subprocess.run(
        [str(KUBECTL), "kustomize", "deploy/kubernetes/example"], cwd=ROOT, check=True, capture_output=True, timeout=60
    )
    return list(yaml.safe_load_all(built.stdout))


@pytest.fixture(scope="module")
def ours(documents: list[Document]) -> dict[str, Document]:
    """The pods' specs, by name."""
    templates = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in documents
        if one["kind"] in ("Deployment", "Job")
    }
    assert templates.keys() - {"redis"} == OURS
    return templates


def of_kind(documents: list[Document], kind: str) -> Iterator[Document]:
    return (one for one in documents if one["kind"] == kind)


def test_each_is_what_the_schema_says(documents: list[Document]) -> None:
    for one in documents:
        if one["apiVersion"] != "monitoring.coreos.com/v1":  # the operator's own
            kubernetes_validate.validate(one, "1.36", strict=True)


def test_each_process_is_started_as_by_compose(ours: dict[str, Document]) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in OURS:
        args = ours[name]["containers"][0]["args"]
        assert args == [*services[name]["command"], *(["training"] if name == "agent" else [])]
        assert ours[name]["containers"][0]["image"] == "registry.example.org/training-jobs:1.0.0"


def test_they_fit_the_pod_security_of_their_namespace(documents: list[Document], ours: dict[str, Document]) -> None:
    (namespace,) = of_kind(documents, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for spec in ours.values():
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert "memory" in container["resources"]["limits"]


def test_only_who_talks_to_clusters_has_a_token(ours: dict[str, Document]) -> None:
    with_token = {name for name, spec in ours.items() if spec.get("automountServiceAccountToken", True)}
    assert with_token == {"web", "worker", "agent"}
    assert {ours[name]["serviceAccountName"] for name in with_token} == {"jobs-platform"}


def test_the_account_gets_the_role_that_a_pool_needs(documents: list[Document]) -> None:
    (binding,) = of_kind(documents, "RoleBinding")
    roles = [
        one for one in yaml.safe_load_all((ROOT / "deploy/kubernetes/rbac.yaml").read_text()) if one["kind"] == "Role"
    ]
    assert binding["roleRef"]["name"] in {one["metadata"]["name"] for one in roles}
    assert binding["metadata"]["namespace"] in {one["metadata"]["namespace"] for one in roles}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "jobs-platform", "namespace": "jobs-platform"}]


def test_every_setting_is_one_that_the_platform_reads(documents: list[Document]) -> None:
    (given,) = of_kind(documents, "ConfigMap")
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "README.md").read_text()))
    for name in given["data"]:
        assert name.removesuffix("_FILE") in documented, name
    assert given["data"]["PRODUCTION"] == "1"


def test_secrets_are_files_that_the_settings_name(documents: list[Document], ours: dict[str, Document]) -> None:
    (given,) = of_kind(documents, "ConfigMap")
    for name in OURS:
        (container,) = ours[name]["containers"]
        (place,) = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == "secrets"]
        files = [value for key, value in given["data"].items() if key.endswith("_FILE")]
        files += [one["value"] for one in container.get("env", [])]
        assert files
        assert all(value.startswith(f"{place}/") for value in files)


def test_what_selects_pods_selects_those_that_are_there(documents: list[Document]) -> None:
    labels = [
        one["spec"]["template"]["metadata"]["labels"]
        for one in documents
        if one["kind"] in ("Deployment", "Job")
    ]  # fmt: skip
    selectors = [
        *(one["spec"]["selector"] for one in of_kind(documents, "Service")),
        *(one["spec"]["selector"]["matchLabels"] for one in of_kind(documents, "PodDisruptionBudget")),
        *(one["spec"]["podSelector"].get("matchLabels", {}) for one in of_kind(documents, "NetworkPolicy")),
        *(one["spec"]["selector"]["matchLabels"] for one in of_kind(documents, "Deployment")),
    ]
    for selector in selectors:
        assert any(selector.items() <= one.items() for one in labels), selector


def test_the_guide_s_commands_name_files_that_are_there() -> None:
    text = (ROOT / "docs" / "production.md").read_text()
    for path in re.findall(r"deploy/[\w./-]+", text):
        made_by_the_reader = any(one in path for one in ("secrets", "kubeconfigs", "kubernetes/site"))
        assert made_by_the_reader or (ROOT / path.rstrip(".")).exists(), path
