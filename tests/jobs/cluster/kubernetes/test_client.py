"""Requests of the synchronous half: their time limits, their credentials."""

import threading

import pytest
import yaml

from jobs.cluster.errors import ClusterError, Forbidden, Unavailable
from jobs.cluster.kubernetes import client as module
from jobs.cluster.kubernetes.client import JOBS
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from tests.jobs.cluster.kubernetes.conftest import Clusters
from tests.kube import ApiServer
from tests.kube.faults import Fault


def test_silence_ends_after_the_read_timeout(server: ApiServer, clusters: Clusters) -> None:
    cluster = clusters(read_seconds=0.2)
    with server.faults.applied(Fault("silence")), pytest.raises(Unavailable, match="timed out"):
        cluster.client.get(JOBS)


def test_nobody_there_is_told_in_plain_words(server: ApiServer, cluster: KubernetesCluster) -> None:
    """And in the same ones each time: they are shown as a job's reason."""
    server.stop_listening()
    with pytest.raises(Unavailable) as caught:
        cluster.client.get(JOBS)
    address = cluster.client.connected().api.configuration.host
    refused = "Failed to establish a new connection: [Errno 111] Connection refused"
    assert str(caught.value) == f"no answer from {address}: {refused}"


def test_a_refused_request_is_not_repeated(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.faults.answer(503, headers=(("Retry-After", "1"),))
    with pytest.raises(Unavailable):
        cluster.client.get(JOBS)
    assert len(server.requests.all()) == 1


def test_a_redirect_is_not_followed(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.faults.answer(302, headers=(("Location", f"{server.url}/version"),))
    with pytest.raises(Unavailable):
        cluster.client.get(JOBS)
    assert len(server.requests.all()) == 1


def test_refused_credentials_are_read_anew(
    server: ApiServer, cluster: KubernetesCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEWAL_PAUSE", 0.0)
    cluster.capacity()
    path = cluster.client.access.kubeconfig
    assert path is not None
    document = yaml.safe_load(path.read_text())
    token = path.with_name("token")
    document["users"][0]["user"] = {"tokenFile": str(token)}
    token.write_text(server.token)
    path.write_text(yaml.safe_dump(document))
    cluster.capacity()
    server.revoke_token(server.token)
    token.write_text(server.add_token())
    cluster.capacity()


def test_credentials_that_stay_refused_are_told(server: ApiServer, cluster: KubernetesCluster) -> None:
    cluster.client.get(JOBS)
    server.revoke_token(server.token)
    with pytest.raises(Forbidden):
        cluster.client.get(JOBS)


def test_a_replaced_kubeconfig_is_used_for_the_next_request(server: ApiServer, cluster: KubernetesCluster) -> None:
    cluster.capacity()
    server.revoke_token(server.token)
    path = cluster.client.access.kubeconfig
    assert path is not None
    server.kubeconfig(path, token=server.add_token())
    cluster.capacity()


def test_many_threads_share_one_client(server: ApiServer, cluster: KubernetesCluster) -> None:
    failed: list[ClusterError] = []

    def ask() -> None:
        try:
            for _ in range(10):
                cluster.client.get(JOBS)
        except ClusterError as exc:
            failed.append(exc)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert len(server.requests.all()) == 80
