"""What the pool check learns of a cluster, asked over HTTP."""

import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from jobs.cluster.kubernetes.check import ask, clock_difference
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.facts import Facts
from jobs.cluster.kubernetes.options import parse
from jobs.cluster.kubernetes.permissions import OF_NAMESPACE, OF_NODES
from tests.jobs.cluster.kubernetes.rights import ROLE
from tests.kube.server import ApiServer

Ask = Callable[..., Facts]


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True, kueue=True) as server:
        yield server


@pytest.fixture
def asked(server: ApiServer, tmp_path: Path) -> Ask:
    """The facts for a pool with these options, as the user with that token."""

    def ask_it(*, of: ApiServer = server, token: str = "", read_seconds: float = 20.0, **options: Any) -> Facts:
        of.kubeconfig(tmp_path / "training", token=token)
        found = parse({"kubeconfig": "training", **options})
        return ask(Access(options=found, kubeconfig_dir=tmp_path, connect_seconds=5.0, read_seconds=read_seconds))

    return ask_it


def test_it_learns_of_everything_that_the_role_allows(server: ApiServer, asked: Ask) -> None:
    facts = asked(token=server.add_token(rules=ROLE))
    assert facts.failure == ""
    assert facts.server == server.url
    assert facts.version
    assert (facts.namespace, facts.namespace_exists, facts.pod_security) == ("training", None, None)
    assert {each for each, allowed in facts.allowed.items() if not allowed} == {OF_NAMESPACE, OF_NODES}
    assert facts.node_resources is None
    assert facts.clock_seconds is not None
    assert abs(facts.clock_seconds) < 30


def test_it_looks_further_where_it_may(server: ApiServer, asked: Ask) -> None:
    token = server.call(server.plane.users.add, "root", cluster_wide=True)
    facts = asked(token=token)
    assert all(facts.allowed.values())
    assert (facts.namespace_exists, facts.pod_security) == (True, "baseline")
    assert facts.node_resources is not None
    assert {"cpu", "memory"} <= facts.node_resources
    assert asked(token=token, namespace="elsewhere").namespace_exists is False


@pytest.mark.parametrize("missing", [("create", "pods/exec"), ("get", "pods/exec"), ("watch", "jobs")])
def test_a_missing_permission_is_found(server: ApiServer, asked: Ask, missing: tuple[str, str]) -> None:
    facts = asked(token=server.add_token(denied=[missing]))
    lacking = [(each.verb, each.resource) for each, allowed in facts.allowed.items() if not allowed]
    assert [each for each in lacking if each != ("list", "nodes")] == [missing]


def test_a_queue_of_kueue_is_looked_up(server: ApiServer, asked: Ask) -> None:
    server.create("localqueues", {"metadata": {"name": "team-a"}, "spec": {"clusterQueue": "all"}})
    assert asked().local_queue_exists is None
    assert asked(kueueQueue="team-a").local_queue_exists is True
    assert asked(kueueQueue="team-b").local_queue_exists is False
    token = server.add_token(rules=ROLE)
    assert asked(kueueQueue="team-a", token=token).local_queue_exists is None


def test_a_cluster_without_kueue_has_no_queue(asked: Ask) -> None:
    with ApiServer(simulate=True) as bare:
        facts = asked(of=bare, kueueQueue="team-a")
    assert facts.failure == ""
    assert facts.local_queue_exists is False


def test_a_refused_token_is_a_failure(server: ApiServer, asked: Ask) -> None:
    facts = asked(token="expired")
    assert "Unauthorized" in facts.failure
    assert facts.allowed == {}


def test_nobody_listening_is_a_failure(asked: Ask) -> None:
    with ApiServer(simulate=True) as gone:
        gone.stop_listening()
        facts = asked(of=gone)
    assert gone.url in facts.failure


def test_silence_costs_one_time_limit(server: ApiServer, asked: Ask) -> None:
    number = server.faults.silence()
    try:
        facts = asked(read_seconds=0.2)
    finally:
        server.faults.remove(number)
    assert server.url in facts.failure
    assert facts.version is None


def test_an_error_on_the_way_keeps_what_was_learnt(server: ApiServer, asked: Ask) -> None:
    number = server.faults.answer(500, path="selfsubjectaccessreviews")
    try:
        facts = asked()
    finally:
        server.faults.remove(number)
    assert facts.version
    assert "Internal error" in facts.failure


def test_a_kubeconfig_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    options = parse({"kubeconfig": "missing", "namespace": "training"})
    facts = ask(Access(options=options, kubeconfig_dir=tmp_path, connect_seconds=1.0, read_seconds=1.0))
    assert "missing" in facts.failure
    assert facts.namespace == "training"


def test_clocks_are_compared_in_the_middle_of_the_request() -> None:
    now = float(int(time.time()))
    assert clock_difference(formatdate(now + 60, usegmt=True), now, 1.0) == 60.0
    assert clock_difference("", now, 1.0) is None
    assert clock_difference("yesterday", now, 1.0) is None
