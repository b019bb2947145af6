"""Both halves of the port take the same way to an API server."""

import itertools

import pytest
from kubernetes.client import Configuration
from kubernetes.client.rest import should_bypass_proxies

from jobs.cluster.kubernetes.proxies import proxy_for

PROXY = "http://proxy.example:3128"
HOSTS = (
    "https://10.96.0.1:443",
    "https://[fd00::1]:443",
    "https://kubernetes.default.svc",
    "https://k8s.example:6443",
    "http://127.0.0.1:8001",
)
RULES = (
    "",
    "10.0.0.0/8",
    ".svc,localhost",
    "*",
    "example",
    "k8s.example:6443",
    "fd00::/8",
    "10.96.0.1, 127.0.0.1",
    "/",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(("host", "no_proxy"), list(itertools.product(HOSTS, RULES)))
def test_the_proxy_is_that_of_the_official_synchronous_client(
    monkeypatch: pytest.MonkeyPatch, host: str, no_proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    theirs = Configuration(host=host)
    expected = None if should_bypass_proxies(host, theirs.no_proxy or "") else theirs.proxy
    assert proxy_for(host) == expected


def test_a_network_that_needs_no_proxy_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert proxy_for("https://10.96.0.1:443") == PROXY
    monkeypatch.setenv("NO_PROXY", "10.96.0.0/12")
    assert proxy_for("https://10.96.0.1:443") is None


def test_the_kubeconfigs_own_comes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert proxy_for("https://k8s.example", "http://own.example:1080") == "http://own.example:1080"


def test_without_any_the_way_is_straight() -> None:
    assert proxy_for("https://k8s.example") is None
