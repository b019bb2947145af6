"""The REST conventions that a client relies on (Kubernetes API concepts), and how refusals are worded."""

from typing import Any

import pytest

from tests.kube.client import Client, eventually
from tests.kube.manifests import config_map, job, pod
from tests.kube.rbac import Rule
from tests.kube.server import ApiServer


def names(answer: Any) -> list[str]:
    return [each["metadata"]["name"] for each in answer.json["items"]]


def test_a_created_object_gets_its_identity(client: Client) -> None:
    answer = client.create("configmaps", config_map())
    metadata = answer.json["metadata"]
    assert answer.status == 201
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert int(metadata["resourceVersion"]) > 0


def test_generated_names_differ(client: Client) -> None:
    obj = config_map()
    obj["metadata"] = {"generateName": "settings-"}
    first, second = (client.create("configmaps", obj).json["metadata"]["name"] for _ in range(2))
    assert first != second
    assert first.startswith("settings-")


def test_a_name_that_is_taken_and_one_that_is_not_there(client: Client) -> None:
    client.create("jobs", job())
    taken, missing = client.create("jobs", job()), client.get("jobs", "other")
    assert (taken.status, taken.json["reason"]) == (409, "AlreadyExists")
    assert taken.json["message"] == 'jobs.batch "train" already exists'
    assert (missing.status, missing.json["reason"], missing.json["kind"]) == (404, "NotFound", "Status")
    assert missing.json["details"] == {"name": "other", "group": "batch", "kind": "jobs"}


def test_a_name_that_is_no_name_is_invalid(client: Client) -> None:
    answer = client.create("configmaps", config_map("Not_a_name"))
    assert answer.status == 422
    assert answer.json["details"]["causes"][0]["field"] == "metadata.name"


def test_unknown_fields_are_dropped_with_a_warning_or_refused_when_strict(client: Client) -> None:
    warned = client.create("jobs", job(unknown=1))
    assert (warned.status, warned.warning) == (201, '299 - "unknown field \\"spec.unknown\\""')
    assert "unknown" not in warned.json["spec"]
    strict = client.create("jobs", job("other", unknown=1), fieldValidation="Strict")
    assert strict.status == 400
    assert "strict decoding error" in strict.json["message"]


def test_a_value_of_the_wrong_type_cannot_be_read(client: Client) -> None:
    answer = client.create("pods", pod(env=[{"name": "A", "value": 1}]))
    assert answer.status == 400
    assert "cannot unmarshal number" in answer.json["message"]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("jobs-platform/job-id in (one, two)", ["a", "b"]),
        ("jobs-platform/job-id notin (one)", ["b", "c", "d"]),
        ("jobs-platform/job-id=one", ["a"]),
        ("jobs-platform/job-id!=one", ["b", "c", "d"]),
        ("jobs-platform/job-id", ["a", "b", "c"]),
        ("!jobs-platform/job-id", ["d"]),
        ("jobs-platform/job-id in (one,two),tier==x", ["b"]),
    ],
)
def test_label_selectors(client: Client, selector: str, found: list[str]) -> None:
    key = "jobs-platform/job-id"
    for name, labels in {"a": {key: "one"}, "b": {key: "two", "tier": "x"}, "c": {key: "three"}, "d": {}}.items():
        client.create("configmaps", config_map(name, labels=labels))
    assert names(client.get("configmaps", labelSelector=selector)) == found


def test_field_selectors(client: Client) -> None:
    for name in ("a", "b"):
        client.create("pods", pod(name))
    eventually(lambda: names(client.get("pods", fieldSelector="status.phase=Running")) == ["a", "b"])
    assert names(client.get("pods", fieldSelector="metadata.name!=a")) == ["b"]
    assert names(client.get("pods", fieldSelector="spec.nodeName=other")) == []
    uid = client.get("pods", "a").json["metadata"]["uid"]
    events = client.get("events", fieldSelector=f"involvedObject.uid={uid}").json["items"]
    assert {each["involvedObject"]["name"] for each in events} == {"a"}
    refused = client.get("pods", fieldSelector="spec.hostname=a")
    assert (refused.status, refused.json["message"]) == (400, 'field label not supported: "spec.hostname"')


def test_pages_are_of_one_moment(client: Client) -> None:
    for name in "abcde":
        client.create("configmaps", config_map(name))
    first = client.get("configmaps", limit=2)
    client.delete("configmaps", "c")
    second = client.get("configmaps", limit=2, **{"continue": first.json["metadata"]["continue"]})
    assert first.json["metadata"]["remainingItemCount"] == 3
    assert names(first) + names(second) == ["a", "b", "c", "d"]
    assert second.json["metadata"]["resourceVersion"] == first.json["metadata"]["resourceVersion"]


def test_items_of_a_list_lack_their_kind(client: Client) -> None:
    client.create("configmaps", config_map())
    found = client.get("configmaps").json
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert not {"kind", "apiVersion"} & set(found["items"][0])


def test_metadata_alone(client: Client) -> None:
    """Its list has null for the items that it does not have."""
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    empty = client.request("GET", client.path("configmaps"), Accept=accept).json
    assert (empty["items"], client.get("configmaps").json["items"]) == (None, [])
    client.create("configmaps", config_map())
    found = client.request("GET", client.path("configmaps"), Accept=accept).json
    assert found["kind"] == "PartialObjectMetadataList"
    assert set(found["items"][0]) == {"kind", "apiVersion", "metadata"}


def test_an_update_from_an_old_version_conflicts(client: Client) -> None:
    old = client.create("configmaps", config_map()).json
    client.patch("configmaps", "settings", {"data": {"a": "c"}})
    answer = client.request("PUT", client.path("configmaps", "settings"), old)
    assert (answer.status, answer.json["reason"]) == (409, "Conflict")
    del old["metadata"]["resourceVersion"]
    assert client.request("PUT", client.path("configmaps", "settings"), old).status == 200


def test_a_change_that_changes_nothing_makes_no_version(client: Client) -> None:
    old = client.create("configmaps", config_map()).json
    new = client.patch("configmaps", "settings", {"data": {"a": "b"}}).json
    assert new["metadata"]["resourceVersion"] == old["metadata"]["resourceVersion"]


def test_the_status_is_changed_on_its_own_path_alone(client: Client) -> None:
    client.create("jobs", job(suspend=True))
    client.patch("jobs", "train", {"status": {"ready": 7}, "metadata": {"labels": {"a": "b"}}})
    found = client.get("jobs", "train").json
    assert (found["status"].get("ready"), found["metadata"]["labels"]) == (0, {"a": "b"})
    path = client.path("jobs", "train") + "/status"
    client.request("PATCH", path, {"status": {"ready": 7}}, Content_Type="application/merge-patch+json")
    assert client.get("jobs", "train").status == 200


def test_a_secret_goes_with_the_job_that_owns_it(client: Client) -> None:
    owner = client.create("jobs", job()).json
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": "train", "uid": owner["metadata"]["uid"]}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "train"}, "stringData": {"a": "b"}}
    client.create("secrets", secret)
    client.patch("secrets", "train", {"metadata": {"ownerReferences": [reference]}})
    client.delete("jobs", "train", {"propagationPolicy": "Foreground"})
    eventually(lambda: client.get("secrets", "train").status == 404)


def test_an_object_whose_owner_never_was_is_collected(client: Client) -> None:
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": "train", "uid": "no-such-uid"}
    client.create("configmaps", config_map(ownerReferences=[reference]))
    eventually(lambda: client.get("configmaps", "settings").status == 404)


def test_without_a_token_that_is_known_nothing_is_answered(server: ApiServer) -> None:
    with Client(server, token="another") as stranger:
        answer = stranger.get("pods")
    assert (answer.status, answer.json["reason"]) == (401, "Unauthorized")


def test_a_refusal_names_user_verb_resource_and_namespace(server: ApiServer) -> None:
    rules = [Rule(("",), ("pods",), ("get", "list"))]
    with Client(server, token=server.add_token(rules=rules)) as limited:
        assert limited.get("pods").status == 200
        answer = limited.get("pods", watch="true")
        exec_answer = limited.request("POST", client_path(limited))
    assert answer.status == 403
    user = "system:serviceaccount:training:platform"
    where = 'resource "pods" in API group "" in the namespace "training"'
    assert answer.json["message"] == f'pods is forbidden: User "{user}" cannot watch {where}'
    assert 'cannot create resource "pods/exec" in API group "" in the' in exec_answer.json["message"]


def client_path(client: Client) -> str:
    return f"{client.path('pods', 'some')}/exec"


def test_exec_with_get_alone_is_refused_without_a_reason(server: ApiServer) -> None:
    with Client(server, token=server.add_token(denied=[("create", "pods/exec")])) as limited:
        answer = limited.request("GET", client_path(limited))
    assert (answer.status, answer.json["message"]) == (403, 'pods "some" is forbidden: ')  # exec, 1


def test_kinds_that_are_not_installed_are_not_found(client: Client) -> None:
    path = "/apis/kueue.x-k8s.io/v1beta1/namespaces/training/workloads"
    answer = client.request("GET", path)
    assert answer.status == 404
    assert answer.json["message"] == "the server could not find the requested resource"
    with ApiServer(simulate=True, kueue=True) as server, Client(server) as other:
        assert other.request("GET", path).json["items"] == []


def test_the_namespace_tells_its_pod_security(client: Client) -> None:
    labels = client.get("namespaces", "training").json["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
