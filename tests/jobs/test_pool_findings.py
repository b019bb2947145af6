"""What an operator reads of a cluster's answers: what is fine, what is not, and what to do."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import translation

from jobs.cluster.kubernetes.facts import Facts
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.permissions import needed
from jobs.findings import Finding, Level, as_text, has_problem
from jobs.pool_findings import findings

GOOD = Facts(
    namespace="training",
    server="https://cluster.example.org:6443",
    version="v1.36.0",
    milliseconds=12.3,
    clock_seconds=0.4,
    allowed=dict.fromkeys(needed(PoolOptions()), True),
    namespace_exists=True,
    pod_security="baseline",
    node_resources=frozenset({"cpu", "memory", "nvidia.com/gpu"}),
)


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


def found(facts: Facts, subject: str, **options: Any) -> list[Finding]:
    return [finding for finding in findings(facts, PoolOptions(**options)) if finding.subject == subject]


def test_a_good_pool_has_no_problem() -> None:
    every = findings(GOOD, PoolOptions())
    assert {finding.level for finding in every} == {Level.OK}
    assert not has_problem(every)
    assert "v1.36.0" in as_text(every)


def test_a_missing_permission_names_the_rule() -> None:
    lacking = next(each for each in GOOD.allowed if (each.resource, each.verb) == ("pods/exec", "create"))
    facts = replace(GOOD, allowed={**GOOD.allowed, lacking: False})
    ok, problem = found(facts, "pods/exec")
    assert (ok.level, ok.text) == (Level.OK, "get")
    assert problem.level is Level.PROBLEM
    assert 'apiGroups: [""], resources: ["pods/exec"], verbs: ["create"]' in problem.fix
    assert has_problem(findings(facts, PoolOptions()))


def test_optional_permissions_are_no_problem() -> None:
    facts = replace(
        GOOD,
        allowed={each: not each.optional for each in GOOD.allowed},
        namespace_exists=None,
        pod_security=None,
        node_resources=None,
    )
    every = findings(facts, PoolOptions())
    assert not has_problem(every)
    assert [finding.subject for finding in every if finding.level is Level.NOTE] == ["Namespace", "GPU"]


@pytest.mark.parametrize(
    ("enforced", "made_for", "level"),
    [
        ("", "baseline", Level.OK),
        ("privileged", "restricted", Level.OK),
        ("baseline", "baseline", Level.OK),
        ("restricted", "restricted", Level.OK),
        ("restricted", "baseline", Level.PROBLEM),
    ],
)
def test_pods_must_fit_what_the_namespace_enforces(enforced: str, made_for: str, level: Level) -> None:
    (finding,) = found(replace(GOOD, pod_security=enforced), "Namespace", pod_security=made_for)
    assert finding.level is level
    assert bool(finding.fix) is (level is Level.PROBLEM)


def test_a_namespace_that_does_not_exist_is_to_be_made() -> None:
    (finding,) = found(replace(GOOD, namespace_exists=False), "Namespace")
    assert finding.level is Level.PROBLEM
    assert finding.fix == "kubectl create namespace training"


@pytest.mark.parametrize(("seconds", "level"), [(4.0, Level.OK), (-4.0, Level.OK), (-90.0, Level.PROBLEM)])
def test_clocks_may_differ_a_little(seconds: float, level: Level) -> None:
    (finding,) = found(replace(GOOD, clock_seconds=seconds), "Clock")
    assert finding.level is level
    assert f"{abs(seconds):.1f}" in finding.text


def test_a_pool_without_its_gpu_resource_says_what_there_is() -> None:
    (finding,) = found(replace(GOOD, node_resources=frozenset({"cpu", "amd.com/gpu", "hugepages-2Mi"})), "GPU")
    assert finding.level is Level.NOTE
    assert "amd.com/gpu" in finding.text
    assert "hugepages" not in finding.text
    assert "gpuResource" in finding.fix


@pytest.mark.parametrize(("exists", "level"), [(True, Level.OK), (None, Level.NOTE), (False, Level.PROBLEM)])
def test_the_queue_of_kueue_must_exist(exists: bool | None, level: Level) -> None:
    (finding,) = found(replace(GOOD, local_queue_exists=exists), "Kueue", kueue_queue="team-a")
    assert finding.level is level
    assert "team-a" in finding.text


def test_silence_is_one_problem_and_nothing_else() -> None:
    (finding,) = findings(Facts(namespace="training", failure="no answer from https://c: timed out"), PoolOptions())
    assert finding.level is Level.PROBLEM
    assert "timed out" in finding.text
    assert "kubeconfig" in finding.fix


def test_the_table_has_what_to_do_under_its_row() -> None:
    text = as_text([Finding(Level.OK, "jobs", "get"), Finding(Level.PROBLEM, "pods/exec", "create is …", "Add …")])
    assert text.splitlines() == [
        "OK       jobs       get",
        "PROBLEM  pods/exec  create is …",
        "                    → Add …",
    ]
