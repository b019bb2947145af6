"""The Job controller, as seen on a real cluster: the numbers are those of the facts about Jobs."""

from typing import Any

from tests.kube.client import Client, eventually
from tests.kube.manifests import job, pod_spec
from tests.kube.server import ApiServer


def status(client: Client, name: str = "train") -> dict[str, Any]:
    found: dict[str, Any] = client.get("jobs", name).json["status"]
    return found


def conditions(client: Client, name: str = "train") -> list[str]:
    return [each["type"] for each in status(client, name).get("conditions", []) if each["status"] == "True"]


def pods(client: Client, phase: str = "") -> list[dict[str, Any]]:
    found = client.get("pods").json["items"]
    return [each for each in found if phase in ("", each["status"]["phase"])]


def running(client: Client, count: int) -> list[dict[str, Any]]:
    eventually(lambda: len(pods(client, "Running")) == count)
    return pods(client, "Running")


def reasons(client: Client) -> list[str]:
    return [each["reason"] for each in client.get("events").json["items"]]


def test_the_pods_of_an_indexed_job_have_random_names_and_steady_hostnames(client: Client) -> None:
    created = client.create("jobs", job(pods=2)).json
    assert created["status"] == {}  # 5
    found = running(client, 2)
    for index, pod in enumerate(found):
        metadata = pod["metadata"]
        assert metadata["name"].startswith(f"train-{index}-")
        assert len(metadata["name"]) == len(f"train-{index}-") + 5
        assert metadata["labels"]["batch.kubernetes.io/job-completion-index"] == str(index)
        assert metadata["labels"]["batch.kubernetes.io/job-name"] == "train"
        assert metadata["labels"]["batch.kubernetes.io/controller-uid"] == created["metadata"]["uid"]
        assert pod["spec"]["hostname"] == f"train-{index}"
        assert pod["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
    eventually(lambda: status(client).get("ready") == 2)


def test_success_has_two_conditions_and_only_the_second_is_final(client: Client, server: ApiServer) -> None:
    client.create("jobs", job(pods=2))
    running(client, 2)
    server.finish_pods(labels={"batch.kubernetes.io/job-name": "train"})
    eventually(lambda: conditions(client) == ["SuccessCriteriaMet", "Complete"])  # 2
    found = status(client)
    assert (found["succeeded"], found["completedIndexes"]) == (2, "0-1")
    assert "active" not in found
    assert "Completed" in reasons(client)


def test_a_failed_pod_ends_its_peers_and_all_of_them_count_as_failed(client: Client, server: ApiServer) -> None:
    client.create("jobs", job(pods=3))
    first = running(client, 3)[0]["metadata"]["name"]
    server.finish_pods(names=[first], exit_code=1)
    eventually(lambda: conditions(client) == ["FailureTarget", "Failed"])  # 2
    assert status(client)["failed"] == 3  # 3
    assert [pod["metadata"]["name"] for pod in pods(client)] == [first]  # 3: the others are gone, and their logs
    assert "BackoffLimitExceeded" in reasons(client)


def test_failed_pods_are_uncounted_at_first(client: Client, server: ApiServer) -> None:
    client.create("jobs", job())
    pod = running(client, 1)[0]
    start = client.get("jobs").json["metadata"]["resourceVersion"]
    server.finish_pods(names=[pod["metadata"]["name"]], exit_code=1)
    eventually(lambda: "Failed" in conditions(client))
    seen = [each["object"]["status"] for each in client.watch("jobs", resourceVersion=start, timeoutSeconds=1)]
    uncounted = [each for each in seen if each["uncountedTerminatedPods"].get("failed") == [pod["metadata"]["uid"]]]
    assert uncounted  # 5
    assert all("failed" not in each for each in uncounted)
    assert (seen[-1]["failed"], seen[-1]["uncountedTerminatedPods"]) == (1, {})


def test_deleting_a_running_pod_fails_the_job(client: Client, server: ApiServer) -> None:
    client.create("jobs", job())
    server.delete_pod(running(client, 1)[0]["metadata"]["name"])
    eventually(lambda: "Failed" in conditions(client))  # 3
    assert pods(client) == []


def test_failure_is_not_final_while_a_pod_is_terminating() -> None:
    from tests.kube.timing import Timing

    with ApiServer(simulate=True, timing=Timing(stop=0.7)) as server, Client(server) as client:
        client.create("jobs", job(pods=2))
        server.finish_pods(names=[running(client, 2)[0]["metadata"]["name"]], exit_code=1)
        eventually(lambda: conditions(client) == ["FailureTarget"] and status(client)["terminating"] == 1)
        eventually(lambda: conditions(client) == ["FailureTarget", "Failed"])


def test_a_deadline_ends_the_job(client: Client) -> None:
    client.create("jobs", job(activeDeadlineSeconds=1))
    eventually(lambda: "Failed" in conditions(client))
    assert {each["reason"] for each in status(client)["conditions"]} == {"DeadlineExceeded"}
    assert "DeadlineExceeded" in reasons(client)


def test_suspending_takes_the_start_time_and_resuming_says_false(client: Client) -> None:
    client.create("jobs", job())
    running(client, 1)
    client.patch("jobs", "train", {"spec": {"suspend": True}})
    eventually(lambda: conditions(client) == ["Suspended"] and not pods(client))
    assert not {"startTime", "active", "failed"} & set(status(client))  # 4
    client.patch("jobs", "train", {"spec": {"suspend": False}})
    running(client, 1)
    suspended = [each for each in status(client)["conditions"] if each["type"] == "Suspended"]
    assert [each["status"] for each in suspended] == ["False"]  # 4
    assert {"Suspended", "Resumed"} <= set(reasons(client))


def test_a_job_that_is_created_suspended_makes_no_pods(client: Client) -> None:
    client.create("jobs", job(suspend=True))
    eventually(lambda: conditions(client) == ["Suspended"])
    assert pods(client) == []


def test_a_finished_job_goes_after_its_time(client: Client, server: ApiServer) -> None:
    client.create("jobs", job(ttlSecondsAfterFinished=0))
    running(client, 1)
    server.finish_pods(labels={"batch.kubernetes.io/job-name": "train"})
    eventually(lambda: client.get("jobs", "train").status == 404)
    eventually(lambda: not pods(client))


def test_names_that_leave_no_room_for_the_index_are_refused(client: Client) -> None:
    answer = client.create("jobs", job("a" * 62))
    assert answer.status == 422  # 6
    assert answer.json["reason"] == "Invalid"
    assert "must be no more than 63 characters" in answer.json["message"]
    assert client.create("jobs", job("a" * 61)).status == 201


def test_the_template_cannot_change(client: Client) -> None:
    client.create("jobs", job())
    patch = {"spec": {"template": {"spec": pod_spec(image="other")}}}
    answer = client.patch("jobs", "train", patch)
    assert answer.status == 422  # 6
    assert "field is immutable" in answer.json["message"]


def test_a_raw_delete_orphans_the_pods_and_warns(client: Client) -> None:
    client.create("jobs", job())
    running(client, 1)
    answer = client.delete("jobs", "train")
    assert answer.warning.startswith("299 - ")  # 1
    eventually(lambda: client.get("jobs", "train").status == 404)
    assert len(pods(client, "Running")) == 1
    assert "ownerReferences" not in pods(client)[0]["metadata"]


def test_a_foreground_delete_keeps_the_job_until_its_pods_are_gone(client: Client, server: ApiServer) -> None:
    uid = client.create("jobs", job()).json["metadata"]["uid"]
    running(client, 1)
    wrong = client.delete("jobs", "train", {"propagationPolicy": "Foreground", "preconditions": {"uid": "other"}})
    assert (wrong.status, wrong.json["reason"]) == (409, "Conflict")
    answer = client.delete("jobs", "train", {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}})
    assert answer.json["metadata"]["finalizers"] == ["foregroundDeletion"]
    eventually(lambda: client.get("jobs", "train").status == 404)
    assert pods(client) == []
