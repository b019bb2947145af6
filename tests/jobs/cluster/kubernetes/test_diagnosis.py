"""What a cluster that refuses, lacks or loses something is seen to say, and what the platform makes of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.cluster.base import AttemptSnapshot, AttemptSpec, DataSource, ObjectRef, Present, Resources
from jobs.cluster.diagnosis import Asked, Ending, Finding, diagnose_attempt, why_waiting
from jobs.cluster.kubernetes import observation
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.states import EndReason
from tests.jobs.cluster.worlds import eventually, spec
from tests.kube import ApiServer

LIMITLESS = timedelta(0)


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """A double whose pods are processes."""
    with ApiServer() as server:
        yield server


@pytest.fixture(autouse=True)
def events_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation, "PODS_COME_IN", LIMITLESS)
    monkeypatch.setattr(observation, "PREPARED_IN", LIMITLESS)


def pool_on(server: ApiServer, directory: Path) -> KubernetesCluster:
    path = server.kubeconfig(directory / "pool.yaml")
    return KubernetesCluster(Access(PoolOptions(kubeconfig=path.name), directory, connect_seconds=5, read_seconds=20))


@pytest.fixture
def cluster(server: ApiServer, tmp_path: Path) -> KubernetesCluster:
    return pool_on(server, tmp_path)


def seen(cluster: KubernetesCluster, ref: ObjectRef) -> AttemptSnapshot:
    found = cluster.observe([ref])[ref]
    assert isinstance(found, Present), found
    return found.snapshot


def told(cluster: KubernetesCluster, made: AttemptSpec, reason: str) -> Finding:
    ref = cluster.create_attempt(made)
    asked = Asked(made.resources, image=made.image)

    def look() -> Finding | None:
        finding = why_waiting(seen(cluster, ref), asked)
        return finding if finding and finding.reason == reason else None

    return eventually(look, reason)


def ended(cluster: KubernetesCluster, made: AttemptSpec) -> Ending:
    return end_of(cluster, cluster.create_attempt(made))


def end_of(cluster: KubernetesCluster, ref: ObjectRef) -> Ending:
    ending = diagnose_attempt(eventually(lambda: s if (s := seen(cluster, ref)).all_over else None, "the end"))
    assert ending is not None
    return ending


def test_more_gpus_than_any_machine_has(cluster: KubernetesCluster) -> None:
    finding = told(cluster, spec("true", resources=Resources(gpus=16)), "Unschedulable")
    assert (finding.params["resource"], finding.params["asked"]) == ("nvidia.com/gpu", "16")
    assert (finding.params["nodes"], finding.params["lacking"]) == (1, 1)


def test_a_gpu_type_that_no_machine_has(cluster: KubernetesCluster) -> None:
    finding = told(cluster, spec("true", resources=Resources(gpus=1, gpu_type="H900")), "Unschedulable")
    assert finding.params["variant"] == "labels"


@pytest.mark.parametrize(
    ("image", "variant"),
    [
        ("registry.invalid/nothing:1", "notFound"),
        ("registry.invalid/private/train:1", "either"),
        ("registry.invalid/unreachable/train:1", "unreachable"),
        ("::bad", "invalid"),
    ],
)
def test_an_image_that_cannot_be_had(cluster: KubernetesCluster, image: str, variant: str) -> None:
    finding = told(cluster, replace(spec("true"), image=image), "ImageUnavailable")
    assert (finding.params["variant"], finding.params["image"]) == (variant, image)


def test_a_claim_that_is_not_there(cluster: KubernetesCluster) -> None:
    finding = told(cluster, spec("true", data_sources=(source("pvc", "data"),)), "VolumeUnavailable")
    assert (finding.params["variant"], finding.params["claim"]) == ("missing", "data")


def test_a_config_map_that_is_not_there(cluster: KubernetesCluster) -> None:
    finding = told(cluster, spec("true", data_sources=(source("configMap", "labels"),)), "ConfigError")
    assert (finding.params["variant"], finding.params["name"]) == ("configmap", "labels")


def source(kind: str, name: str) -> DataSource:
    return DataSource(kind, name, "", "/data", read_only=True, size_limit_bytes=0)


def test_quota_that_is_used_up(server: ApiServer, cluster: KubernetesCluster) -> None:
    hard = {"requests.cpu": "4"}
    server.create("resourcequotas", {"metadata": {"name": "team"}, "spec": {"hard": hard}})
    try:
        finding = told(cluster, spec("true", resources=Resources(cpu_millis=5000)), "QuotaExceeded")
    finally:
        server.change("resourcequotas", "team", lambda quota: quota["spec"].update(hard={}))
    assert (finding.params["variant"], finding.params["quota"], finding.params["resource"]) == (
        "never",
        "team",
        "requests.cpu",
    )


def test_pod_security_that_the_pods_do_not_fit(tmp_path: Path) -> None:
    with ApiServer(pod_security="restricted") as server:
        finding = told(pool_on(server, tmp_path), spec("true"), "PodRefused")
    assert (finding.params["variant"], finding.params["level"]) == ("podSecurity", "restricted")


def test_kueue_that_has_not_admitted_it(tmp_path: Path) -> None:
    with ApiServer(kueue=True) as server:
        path = server.kubeconfig(tmp_path / "pool.yaml")
        options = PoolOptions(kubeconfig=path.name, kueue_queue="team")
        cluster = KubernetesCluster(Access(options, tmp_path, connect_seconds=5, read_seconds=20))
        finding = told(cluster, spec("true"), "KueueWaiting")
    assert finding.params["variant"] == "unseen"


def test_a_command_that_is_not_there(cluster: KubernetesCluster) -> None:
    ending = ended(cluster, spec("trian"))
    assert (ending.reason, ending.params["variant"]) == (EndReason.COMMAND_FAILED, "start")
    assert "trian" in ending.params["detail"]


def test_memory_that_did_not_do(cluster: KubernetesCluster) -> None:
    killed = "/bin/sh -c 'kill -KILL $$'; exit $?"
    made = spec("sh", "-c", killed, envs=(("SIMULATE_OOM", "1"),), resources=Resources(memory_bytes=1 << 28))
    ending = ended(cluster, made)
    assert (ending.reason, ending.params["memoryLimit"]) == (EndReason.OUT_OF_MEMORY, "256 MiB")


def test_a_pod_that_somebody_deleted(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = cluster.create_attempt(spec("sleep", "600"))
    eventually(lambda: seen(cluster, ref).all_running, "the running")
    name = next(one["metadata"]["name"] for one in server.list("pods") if one["metadata"]["name"].startswith(ref.name))
    server.delete_pod(name)
    ending = end_of(cluster, ref)
    assert (ending.reason, ending.params["variant"]) == (EndReason.LOST, "deleted")


def test_the_replica_that_caused_it_is_named(cluster: KubernetesCluster) -> None:
    ending = ended(cluster, spec("sh", "-c", 'test "$RANK" = 1 && exit 7; sleep 600', replicas=3))
    assert (ending.reason, ending.params["exitCode"]) == (EndReason.COMMAND_FAILED, 7)
    assert ending.params["pod"].endswith("-1")
