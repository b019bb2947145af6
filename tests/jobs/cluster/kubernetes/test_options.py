"""A pool's options: each wrong one is named, whatever is given, before a cluster is ever asked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.kubernetes import manifests
from jobs.cluster.kubernetes.options import CHECKS, NAMES, OptionsInvalid, PoolOptions, parse
from tests.jobs.cluster.kubernetes.test_manifests import spec

GOOD: dict[str, Any] = {
    "kubeconfig": "training.yaml",
    "context": "admin@cluster",
    "namespace": "training",
    "gpuResource": "amd.com/gpu",
    "gpuTypeLabel": "example.org/type",
    "podSecurity": "restricted",
    "runAsUser": 1000,
    "runAsGroup": 0,
    "sharedMemory": "8Gi",
    "nodeSelector": {"pool": "gpu", "example.org/zone": ""},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 60}],
    "imagePullSecret": "registry",
    "imagePullSeconds": 60,
    "kueueQueue": "team-a",
    "retentionSeconds": 3600,
    "cpu": "64",
    "memory": "512Gi",
    "gpus": 8,
}
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def wrong(**options: Any) -> dict[str, str]:
    with pytest.raises(OptionsInvalid) as refusal:
        parse(options)
    return {name: str(text) for name, text in refusal.value.errors.items()}


def test_every_option_can_be_given() -> None:
    assert set(GOOD) == set(NAMES)
    assert set(CHECKS) == set(NAMES.values())
    options = parse(GOOD)
    assert options.node_selector == (("example.org/zone", ""), ("pool", "gpu"))
    assert parse({}) == PoolOptions()


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), json, max_size=4))
def test_whatever_is_given_is_taken_or_refused_with_reasons(options: dict[str, Any]) -> None:
    try:
        found = parse(options)
    except OptionsInvalid as exc:
        assert exc.errors
        assert exc.errors.keys() <= {*options, "runAsUser"}
        assert all(str(text) for text in exc.errors.values())
    else:
        assert manifests.job(spec(), found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kubeconfig", "../secret"),
        ("kubeconfig", "/etc/passwd"),
        ("kubeconfig", ".."),
        ("namespace", "Training"),
        ("namespace", "a" * 64),
        ("gpuResource", "nvidia.com/"),
        ("podSecurity", "privileged"),
        ("runAsUser", -1),
        ("runAsUser", True),
        ("gpus", 1.0),
        ("cpu", 64),
        ("cpu", "lots"),
        ("memory", "512GB"),
        ("sharedMemory", "0"),
        ("nodeSelector", [["pool", "gpu"]]),
        ("nodeSelector", {"pool": 1}),
        ("nodeSelector", {"not a label": "x"}),
        ("tolerations", {"key": "gpu"}),
        ("tolerations", [{"kee": "gpu"}]),
        ("tolerations", [{"key": 1}]),
        ("tolerations", [{"effect": "Sometimes"}]),
        ("tolerations", [{"tolerationSeconds": "60"}]),
        ("imagePullSeconds", 0),
        ("retentionSeconds", 31 * 86400),
    ],
)
def test_a_wrong_value_is_named(name: str, value: Any) -> None:
    assert list(wrong(**{name: value})) == [name]


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert wrong(gpuz=1, gpus=-1, cpu=64) == {
        "gpuz": "there is no such option",
        "gpus": "must be a whole number from 0 to 2147483647",
        "cpu": 'must be an amount of CPUs in quotation marks, such as "500m" or "64"',
    }


@pytest.mark.parametrize("user", [{}, {"runAsUser": 0}, {"runAsUser": None}])
def test_restricted_needs_a_user(user: dict[str, Any]) -> None:
    assert list(wrong(podSecurity="restricted", **user)) == ["runAsUser"]
