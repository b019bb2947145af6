"""An attempt is started once, whatever happens on the way (R3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from jobs.cluster.base import AttemptSpec, ObjectRef, PodPhase, Present
from jobs.cluster.errors import Conflict, Forbidden, Invalid, Unavailable
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.labels import JOB, SPEC_HASH, labels_of
from tests.jobs.cluster.worlds import eventually, spec
from tests.kube import ApiServer

SECRET = "c4nary-in-a-coal-mine"


def whole() -> AttemptSpec:
    """With everything that an attempt may consist of."""
    return spec("true", replicas=2, secret_envs=(("TOKEN", SECRET),))


def names(server: ApiServer, *resources: str) -> list[Sequence[str]]:
    return [[one["metadata"]["name"] for one in server.list(resource)] for resource in resources]


def made_of(server: ApiServer, ref: ObjectRef) -> dict[str, Any]:
    return {
        one["kind"]: one
        for resource in ("jobs", "secrets", "services")
        for one in server.list(resource, labels_of(ref))
    }


def test_it_makes_a_job_that_owns_its_secret_and_its_service(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = cluster.create_attempt(whole())
    made = made_of(server, ref)
    assert set(made) == {"Job", "Secret", "Service"}
    assert made["Job"]["metadata"]["uid"] == ref.uid
    for kind in ("Secret", "Service"):
        assert [owner["uid"] for owner in made[kind]["metadata"]["ownerReferences"]] == [ref.uid]


def test_nothing_but_a_job_is_made_where_nothing_else_is_needed(server: ApiServer, cluster: KubernetesCluster) -> None:
    cluster.create_attempt(spec("true"))
    assert [one.method for one in server.requests.all()] == ["POST"]
    assert names(server, "secrets", "services") == [[], []]


def test_creating_again_adopts(server: ApiServer, cluster: KubernetesCluster) -> None:
    made = whole()
    first = cluster.create_attempt(made)
    assert cluster.create_attempt(made) == first
    assert names(server, "jobs", "secrets", "services") == [[made.ref.name]] * 3


@pytest.mark.parametrize("resource", ["secrets", "services", "jobs"])
@pytest.mark.parametrize("after", [False, True])
def test_a_create_that_got_no_answer_is_made_or_found_the_next_time(
    server: ApiServer, cluster: KubernetesCluster, resource: str, after: bool
) -> None:
    made = whole()
    fault = server.faults.drop_after if after else server.faults.drop
    fault(verb="create", resource=resource, count=1)
    with pytest.raises(Unavailable):
        cluster.create_attempt(made)
    ref = cluster.create_attempt(made)
    assert names(server, "jobs", "secrets", "services") == [[made.ref.name]] * 3
    assert {one["metadata"]["ownerReferences"][0]["uid"] for one in server.list("secrets")} == {ref.uid}


@pytest.mark.parametrize("resource", ["secrets", "services"])
def test_an_owner_that_could_not_be_set_is_set_the_next_time(
    server: ApiServer, cluster: KubernetesCluster, resource: str
) -> None:
    made = whole()
    server.faults.answer(503, verb="patch", resource=resource, count=1)
    with pytest.raises(Unavailable):
        cluster.create_attempt(made)
    ref = cluster.create_attempt(made)
    owners = [owner["uid"] for one in server.list(resource) for owner in one["metadata"]["ownerReferences"]]
    assert owners == [ref.uid]


def test_a_secret_of_a_job_that_is_gone_gets_the_new_one_as_its_owner(
    server: ApiServer, cluster: KubernetesCluster
) -> None:
    made = whole()
    cluster.create_attempt(made)

    def orphan(found: dict[str, Any]) -> None:
        found["metadata"]["ownerReferences"] = [
            {"apiVersion": "batch/v1", "kind": "Job", "name": made.ref.name, "uid": "0" * 32}
        ]

    server.change("services", made.ref.name, orphan)
    ref = cluster.create_attempt(made)
    assert {one["metadata"]["ownerReferences"][0]["uid"] for one in server.list("services")} == {ref.uid}


def test_another_spec_under_the_same_name_is_a_conflict(server: ApiServer, cluster: KubernetesCluster) -> None:
    made = spec("true")
    ref = cluster.create_attempt(made)
    with pytest.raises(Conflict, match="another spec"):
        cluster.create_attempt(replace(made, spec_hash="another"))
    assert [one["metadata"]["uid"] for one in server.list("jobs")] == [ref.uid]


@pytest.mark.parametrize("resource", ["jobs", "secrets", "services"])
def test_somebody_elses_object_under_the_name_is_left_alone(
    server: ApiServer, cluster: KubernetesCluster, resource: str
) -> None:
    made = whole()
    cluster.create_attempt(made)

    def take(found: dict[str, Any]) -> None:
        found["metadata"]["labels"][JOB] = "job-0000000000000000"

    server.change(resource, made.ref.name, take)
    with pytest.raises(Conflict, match="not the platform's"):
        cluster.create_attempt(made)
    assert names(server, "jobs", "secrets", "services") == [[made.ref.name]] * 3


def test_a_job_that_is_being_taken_down_is_not_made_again(server: ApiServer, cluster: KubernetesCluster) -> None:
    made = spec("true")
    ref = cluster.create_attempt(made)

    def hold(found: dict[str, Any]) -> None:
        found["metadata"]["finalizers"] = ["example.com/held"]

    server.change("jobs", ref.name, hold)
    server.delete_job(ref.name)
    assert cluster.create_attempt(made) == ref
    seen = cluster.observe([ref])[ref]
    assert isinstance(seen, Present)
    assert seen.snapshot.going_down


def test_a_refused_job_leaves_no_secret_behind(server: ApiServer, cluster: KubernetesCluster) -> None:
    made = whole()
    server.faults.answer(422, verb="create", resource="jobs", message="Job is invalid: spec.template: no")
    with pytest.raises(Invalid, match=r"spec\.template: no"):
        cluster.create_attempt(made)
    assert names(server, "jobs", "secrets", "services") == [[], [], []]


def test_a_missing_right_is_told_in_the_clusters_words(server: ApiServer, cluster: KubernetesCluster) -> None:
    message = 'jobs.batch is forbidden: User "system:serviceaccount:x:y" cannot create resource "jobs"'
    server.faults.answer(403, verb="create", resource="jobs", message=message)
    with pytest.raises(Forbidden) as caught:
        cluster.create_attempt(spec("true"))
    assert str(caught.value) == message


def test_a_missing_namespace_may_come_yet(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.faults.answer(404, verb="create", reason="NotFound", message='namespaces "training" not found')
    with pytest.raises(Unavailable, match="training"):
        cluster.create_attempt(spec("true"))


@pytest.mark.parametrize("status", [400, 403, 422, 500])
def test_a_refusal_that_quotes_a_secret_does_not_pass_it_on(
    server: ApiServer, cluster: KubernetesCluster, status: int
) -> None:
    quoted = f"data[TOKEN]: Invalid value: {SECRET!r}, YzRuYXJ5LWluLWEtY29hbC1taW5l"
    server.faults.answer(status, verb="create", resource="secrets", message=quoted)
    with pytest.raises((Invalid, Forbidden, Unavailable)) as caught:
        cluster.create_attempt(whole())
    assert str(caught.value) == "data[TOKEN]: Invalid value: '***', ***"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_its_spec_hash_can_be_read_on_the_job(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = cluster.create_attempt(spec("true", spec_hash="abc"))
    assert server.get("jobs", ref.name)["metadata"]["annotations"][SPEC_HASH] == "abc"


def test_its_pods_run(server: ApiServer, cluster: KubernetesCluster) -> None:
    ref = cluster.create_attempt(whole())

    def phases() -> bool:
        seen = cluster.observe([ref])[ref]
        return isinstance(seen, Present) and [pod.phase for pod in seen.snapshot.pods] == [PodPhase.RUNNING] * 2

    eventually(phases, "the running of both")
