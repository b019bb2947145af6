"""A Job that Kueue holds back, as its Workload tells it."""

from collections.abc import Iterator

import pytest

from tests.kube.client import Client, eventually
from tests.kube.manifests import job
from tests.kube.server import ApiServer
from tests.kube.test_jobs import conditions, pods, running


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True, kueue=True) as server:
        yield server


def admission(client: Client) -> dict[str, tuple[str, str]]:
    (workload,) = client.get("workloads").json["items"]
    assert workload["kind"] == "Workload"  # the items of custom resources keep their kind
    return {each["type"]: (each["status"], each["reason"]) for each in workload["status"]["conditions"]}


def test_a_held_job_waits_is_admitted_and_may_be_preempted(client: Client, server: ApiServer) -> None:
    client.create("jobs", job(suspend=True, labels={"kueue.x-k8s.io/queue-name": "team"}))
    server.hold_job("train")
    assert admission(client) == {"QuotaReserved": ("False", "Pending")}
    assert pods(client) == []
    server.admit_job("train")
    running(client, 1)
    assert admission(client)["Admitted"] == ("True", "Admitted")
    server.preempt_job("train")
    eventually(lambda: not pods(client))
    assert conditions(client) == ["Suspended"]
    assert admission(client)["Evicted"] == ("True", "Preempted")
    server.admit_job("train")
    running(client, 1)
    assert admission(client)["Evicted"] == ("False", "QuotaReserved")


def test_a_workload_goes_with_its_job(client: Client, server: ApiServer) -> None:
    client.create("jobs", job(suspend=True))
    server.hold_job("train")
    client.delete("jobs", "train", {"propagationPolicy": "Foreground"})
    eventually(lambda: client.get("workloads").json["items"] == [])
    assert client.get("jobs", "train").status == 404
