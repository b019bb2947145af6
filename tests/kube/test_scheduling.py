"""Why a pod does not come, or does not run: the scheduler, quotas, pod security, what others do behind one's back."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.kube.client import Client, eventually
from tests.kube.manifests import job, pod
from tests.kube.server import ApiServer
from tests.kube.test_jobs import conditions, pods, running
from tests.kube.timing import Timing


def events(client: Client, reason: str) -> list[dict[str, Any]]:
    return [each for each in client.get("events").json["items"] if each["reason"] == reason]


def condition(client: Client, name: str, kind: str) -> dict[str, Any]:
    found = client.get("pods", name).json["status"].get("conditions", [])
    return next((each for each in found if each["type"] == kind), {})


def test_a_pod_that_does_not_fit_says_what_is_missing(client: Client) -> None:
    client.create("pods", pod(resources={"limits": {"nvidia.com/gpu": "9"}}))
    scheduled = eventually(lambda: condition(client, "single", "PodScheduled"))
    assert (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")
    assert scheduled["message"].startswith("0/1 nodes are available: 1 Insufficient nvidia.com/gpu. ")
    event = eventually(lambda: events(client, "FailedScheduling"))[0]
    assert (event["firstTimestamp"], event["lastTimestamp"]) == (None, None)
    assert "count" not in event
    assert event["eventTime"]
    assert client.get("pods", "single").json["status"]["phase"] == "Pending"


def test_a_pod_waits_until_another_makes_room(client: Client, server: ApiServer) -> None:
    for name in ("first", "second"):
        client.create("pods", pod(name, resources={"limits": {"nvidia.com/gpu": "3"}}))
    eventually(lambda: condition(client, "second", "PodScheduled").get("status") == "False")
    server.finish_pods(names=["first"])
    eventually(lambda: client.get("pods", "second").json["status"]["phase"] == "Running")


def test_node_selectors_and_claims(client: Client) -> None:
    other = pod("other")
    other["spec"]["nodeSelector"] = {"nvidia.com/gpu.product": "another"}
    client.create("pods", other)
    claimed = pod("claimed")
    claimed["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    client.create("pods", claimed)
    message = eventually(lambda: condition(client, "other", "PodScheduled").get("message", ""))
    assert "1 node(s) didn't match Pod's node affinity/selector" in message
    message = eventually(lambda: condition(client, "claimed", "PodScheduled").get("message", ""))
    assert 'persistentvolumeclaim "data" not found' in message


def test_a_quota_refuses_pods_and_the_jobs_event_says_why(client: Client, server: ApiServer) -> None:
    quota = {"metadata": {"name": "compute"}, "spec": {"hard": {"requests.cpu": "1"}}}
    client.create("resourcequotas", quota)
    manifest = job()
    manifest["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "2"}}
    assert client.create("jobs", manifest).status == 201
    message = eventually(lambda: events(client, "FailedCreate"))[0]["message"]
    assert (
        "exceeded quota: compute, requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1" in message
    )
    assert pods(client) == []
    server.change("resourcequotas", "compute", lambda obj: obj["spec"]["hard"].update({"requests.cpu": "4"}))
    running(client, 1)


@pytest.fixture
def restricted() -> Iterator[Client]:
    with ApiServer(simulate=True, pod_security="restricted") as server, Client(server) as client:
        yield client


def test_pod_security_refuses_pods_and_not_their_job(client: Client) -> None:
    manifest = job()
    manifest["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    manifest["spec"]["template"]["spec"]["volumes"] = [{"name": "root", "hostPath": {"path": "/"}}]
    assert client.create("jobs", manifest).status == 201
    message = eventually(lambda: events(client, "FailedCreate"))[0]["message"]
    assert 'violates PodSecurity "baseline:latest": privileged (container "main" must not set' in message
    assert 'hostPath volumes (volume "root")' in message


def test_the_restricted_level_wants_it_said(restricted: Client) -> None:
    refused = restricted.create("pods", pod())
    assert refused.status == 403
    for word in ("allowPrivilegeEscalation", "unrestricted capabilities", "runAsNonRoot", "seccompProfile"):
        assert word in refused.json["message"]
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    fits = pod(securityContext={**context, "seccompProfile": {"type": "RuntimeDefault"}})
    assert restricted.create("pods", fits).status == 201


@pytest.mark.parametrize("reason", ["EvictionByEvictionAPI", "PreemptionByScheduler", "DeletionByTaintManager"])
def test_a_disrupted_pod_says_so_before_it_goes(client: Client, server: ApiServer, reason: str) -> None:
    start = client.get("pods").json["metadata"]["resourceVersion"]
    client.create("jobs", job())
    server.disrupt_pod(running(client, 1)[0]["metadata"]["name"], reason=reason)
    eventually(lambda: "Failed" in conditions(client))
    seen = list(client.watch("pods", resourceVersion=start, timeoutSeconds=1))
    last = seen[-1]["object"]["status"]
    assert seen[-1]["type"] == "DELETED"
    assert reason in [each.get("reason") for each in last["conditions"] if each["type"] == "DisruptionTarget"]
    assert last["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143


def test_the_eviction_api(client: Client) -> None:
    client.create("pods", pod())
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "single"}}
    assert client.request("POST", f"{client.path('pods', 'single')}/eviction", body).status == 201
    eventually(lambda: client.get("pods", "single").status == 404)


def test_pods_of_a_lost_node_hang_until_they_are_driven_out(client: Client, server: ApiServer) -> None:
    client.create("jobs", job())
    name = running(client, 1)[0]["metadata"]["name"]
    server.lose_node()
    assert condition(client, name, "Ready")["status"] == "False"
    server.delete_pod(name)
    client.create("pods", pod("late"))
    message = eventually(lambda: condition(client, "late", "PodScheduled").get("message", ""))
    assert "untolerated taint" in message
    assert client.get("pods", name).json["metadata"]["deletionTimestamp"]
    server.remove_lost_pods()
    eventually(lambda: client.get("pods", name).status == 404)
    eventually(lambda: "Failed" in conditions(client))
    server.recover_node()
    eventually(lambda: client.get("pods", "late").json["status"]["phase"] == "Running")


def test_failed_pods_are_tried_again_after_a_growing_while() -> None:
    with ApiServer(simulate=True, timing=Timing(job_backoff=0.1)) as server, Client(server) as client:
        client.create("jobs", job(backoffLimit=1))
        first = running(client, 1)[0]["metadata"]["name"]
        server.finish_pods(names=[first], exit_code=1)
        second = running(client, 1)[0]["metadata"]["name"]
        assert second != first
        server.finish_pods(names=[second], exit_code=1)
        eventually(lambda: "Failed" in conditions(client))
