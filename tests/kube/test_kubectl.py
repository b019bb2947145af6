"""The double held against the real kubectl, so that it cannot drift into wishful thinking."""

import json
import threading
from pathlib import Path

import pytest

from tests.kube.client import eventually
from tests.kube.kubectl import Kubectl
from tests.kube.manifests import config_map, job, pod
from tests.kube.server import ApiServer

ALL = {"batch.kubernetes.io/job-name": "train"}


@pytest.fixture
def kubectl(kubeconfig: Path) -> Kubectl:
    return Kubectl(kubeconfig)


def running(server: ApiServer, count: int) -> None:
    eventually(lambda: [each["status"].get("phase") for each in server.list("pods", ALL)] == ["Running"] * count)


def test_it_tells_the_version(kubectl: Kubectl) -> None:
    assert "Server Version: v1.36.0" in kubectl("version")


def test_it_lists_the_kinds(kubectl: Kubectl) -> None:
    names = kubectl("api-resources", "--no-headers", "-o", "name").split()
    assert {"pods", "secrets", "services", "events", "jobs.batch"} <= set(names)


def test_a_job_is_created_validated_by_the_server_and_read_back(kubectl: Kubectl) -> None:
    assert kubectl("create", "-f", "-", stdin=job(pods=2)) == "job.batch/train created\n"
    found = kubectl.get("job", "train")
    assert (found["kind"], found["spec"]["completionMode"]) == ("Job", "Indexed")
    eventually(lambda: len(kubectl.get("pods", "-l", "batch.kubernetes.io/job-name=train")["items"]) == 2)
    assert kubectl.get("pods", "-l", "batch.kubernetes.io/job-name notin (train)")["items"] == []


def test_an_unknown_field_is_refused_by_name(kubectl: Kubectl) -> None:
    done = kubectl.run("create", "-f", "-", stdin=job(restartsOften=True))
    assert done.returncode == 1
    assert 'strict decoding error: unknown field "spec.restartsOften"' in done.stderr


def test_a_name_that_is_taken_is_refused(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=config_map())
    done = kubectl.run("create", "-f", "-", stdin=config_map())
    assert (
        'Error from server (AlreadyExists): error when creating "STDIN": configmaps "settings" already' in done.stderr
    )


def test_waiting_for_a_job_ends_with_its_condition(kubectl: Kubectl, server: ApiServer) -> None:
    kubectl("create", "-f", "-", stdin=job())
    running(server, 1)
    ending = threading.Timer(0.5, server.finish_pods, kwargs={"labels": ALL})
    ending.start()
    try:
        assert "condition met" in kubectl("wait", "--for=condition=complete", "job/train", "--timeout=20s")
    finally:
        ending.join()


def test_watching_shows_each_change(kubectl: Kubectl, server: ApiServer) -> None:
    kubectl("create", "-f", "-", stdin=job())
    assert "condition met" in kubectl("wait", "--for=condition=Ready", "pod", "-l", "job-name=train", "--timeout=20s")
    name = server.list("pods", ALL)[0]["metadata"]["name"]
    server.finish_pods(names=[name])
    assert "condition met" in kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{name}")


def test_a_foreground_deletion_waits_until_all_is_gone(kubectl: Kubectl, server: ApiServer) -> None:
    kubectl("create", "-f", "-", stdin=job(pods=2))
    running(server, 2)
    kubectl("delete", "job", "train", "--cascade=foreground", "--timeout=20s")
    assert server.list("jobs") == []
    assert server.list("pods") == []


def test_an_orphaning_deletion_leaves_the_pods(kubectl: Kubectl, server: ApiServer) -> None:
    kubectl("create", "-f", "-", stdin=job())
    running(server, 1)
    kubectl("delete", "job", "train", "--cascade=orphan", "--timeout=20s")
    running(server, 1)


def test_a_description_has_the_events(kubectl: Kubectl, server: ApiServer) -> None:
    kubectl("create", "-f", "-", stdin=job())
    running(server, 1)
    name = server.list("pods", ALL)[0]["metadata"]["name"]
    described = kubectl("describe", "job", "train")
    assert "SuccessfulCreate" in described
    assert f"Created pod: {name}" in described
    assert "Successfully assigned training/" in kubectl("describe", "pod", name)


def test_events_that_have_no_timestamp_are_shown(kubectl: Kubectl, server: ApiServer) -> None:
    kubectl("create", "-f", "-", stdin=pod(resources={"limits": {"nvidia.com/gpu": "9"}}))
    eventually(lambda: "1 Insufficient nvidia.com/gpu" in kubectl("events", "--for", "pod/single"))


@pytest.mark.parametrize("kind", ["merge", "strategic", "json"])
def test_patches_of_each_kind(kubectl: Kubectl, kind: str) -> None:
    kubectl("create", "-f", "-", stdin=config_map())
    merge = '{"metadata": {"labels": {"seen": "yes"}}}'
    operations = '[{"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}]'
    kubectl("patch", "configmap", "settings", "--type", kind, "-p", operations if kind == "json" else merge)
    assert kubectl.get("configmaps", "-l", "seen=yes")["items"][0]["data"] == {"a": "b"}


def test_a_job_is_suspended(kubectl: Kubectl, server: ApiServer) -> None:
    kubectl("create", "-f", "-", stdin=job())
    running(server, 1)
    kubectl("patch", "job", "train", "-p", '{"spec": {"suspend": true}}')
    assert "condition met" in kubectl("wait", "--for=condition=Suspended", "job/train", "--timeout=20s")


def test_secrets_are_applied_labelled_and_edited(kubectl: Kubectl, server: ApiServer) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"token": "abc"}}
    kubectl("apply", "-f", "-", stdin=secret)
    kubectl("label", "secret", "keys", "a=b")
    kubectl("annotate", "secret", "keys", "c=d")
    kubectl("apply", "-f", "-", stdin={**secret, "stringData": {"token": "abcd"}})
    assert server.get("secrets", "keys")["data"] == {"token": "YWJjZA=="}
    assert server.get("secrets", "keys")["metadata"]["labels"] == {"a": "b"}


def test_it_says_what_is_allowed(server: ApiServer, tmp_path: Path) -> None:
    token = server.add_token(denied=[("create", "pods/exec")])
    limited = Kubectl(server.kubeconfig(tmp_path / "limited", token=token))
    assert allowed(limited, verb="create", group="batch", resource="jobs", namespace="training")
    assert not allowed(limited, verb="create", resource="pods", subresource="exec", namespace="training")
    assert not allowed(limited, verb="list", resource="nodes")


def allowed(kubectl: Kubectl, **attributes: str) -> bool:
    """`kubectl auth can-i` speaks protobuf, which the double does not."""
    head = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    review = {**head, "spec": {"resourceAttributes": attributes}}
    found = json.loads(kubectl("create", "-f", "-", "-o", "json", stdin=review))
    return bool(found["status"]["allowed"])


def test_what_is_forbidden_is_named(kubectl: Kubectl) -> None:
    said = kubectl.run("get", "nodes").stderr
    who = 'User "system:serviceaccount:training:platform"'
    assert f'nodes is forbidden: {who} cannot list resource "nodes" in API group "" at the cluster scope' in said
