"""Which hint each object of the cluster makes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from jobs.cluster.base import ObjectRef, PodPhase, PodReason
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.followed import FollowedEvents, FollowedJobs, FollowedPods
from jobs.cluster.kubernetes.labels import REPLICA, labels_of

JOB_ID = "job-0123456789abcdef"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LABELS = labels_of(ObjectRef(JOB_ID, 1))


def job(**changes: Any) -> wire.Job:
    body = {"metadata": {"name": f"{JOB_ID}-1", "uid": "j", "labels": LABELS, "resourceVersion": "7"}, **changes}
    return msgspec.convert(body, wire.Job)


def pod(phase: str = "Running", *, meta: dict[str, Any] | None = None, **status: Any) -> wire.Pod:
    body = {
        "metadata": {"name": f"{JOB_ID}-1-0-abcde", "uid": "p", "labels": {**LABELS, REPLICA: "0"}, **(meta or {})},
        "spec": {"nodeName": "node-1"},
        "status": {"phase": phase, **status},
    }
    return msgspec.convert(body, wire.Pod)


def pods(known: wire.Job | None = None) -> FollowedPods:
    return FollowedPods(lambda name: known if name == f"{JOB_ID}-1" else None)


def condition(type_: str, since: datetime = NOW, reason: str = "") -> dict[str, Any]:
    return {"type": type_, "status": "True", "reason": reason, "lastTransitionTime": since}


def test_counters_and_versions_of_a_job_are_no_news() -> None:
    first = FollowedJobs().seen(job(status={"active": 1}))
    later = FollowedJobs().seen(job(status={"active": 1, "ready": 1, "startTime": NOW}))
    assert first and later and first.kept == later.kept and first.steady


@pytest.mark.parametrize(
    "changed",
    [
        job(status={"conditions": [condition("FailureTarget")]}),
        job(status={"conditions": [condition("Complete")]}),
        job(metadata={"name": f"{JOB_ID}-1", "uid": "j", "labels": LABELS, "deletionTimestamp": NOW}),
    ],
)
def test_what_its_controller_decided_is_news(changed: wire.Job) -> None:
    before, after = FollowedJobs().seen(job()), FollowedJobs().seen(changed)
    assert before and after and before.kept != after.kept and not after.steady


def test_a_job_made_again_under_its_name_is_news() -> None:
    other = job(metadata={"name": f"{JOB_ID}-1", "uid": "other", "labels": LABELS})
    before, after = FollowedJobs().seen(job()), FollowedJobs().seen(other)
    assert before and after and before.key == after.key and before.kept != after.kept


def test_objects_of_others_are_not_looked_at() -> None:
    strange = {"name": "x", "uid": "u", "labels": {"app": "x"}}
    assert FollowedJobs().seen(job(metadata=strange)) is None
    assert pods().seen(pod(meta={"labels": {"app": "x"}})) is None
    event = {"metadata": {"uid": "e"}, "involvedObject": {"kind": "Pod", "name": "web-1"}, "lastTimestamp": NOW}
    assert FollowedEvents().seen(msgspec.convert(event, wire.Event)) is None


def test_a_pod_comes_with_its_state() -> None:
    seen = pods().seen(pod())
    assert seen and seen.hint.pod and seen.hint.job_id == JOB_ID and not seen.hint.gone
    assert (seen.hint.pod.phase, seen.hint.pod.node, seen.hint.pod.ref.uid) == (PodPhase.RUNNING, "node-1", "p")


def test_of_a_running_pod_only_a_disruption_is_kept() -> None:
    ready = pods().seen(pod(conditions=[condition("Ready")]))
    unready = pods().seen(pod(conditions=[{"type": "Ready", "status": "False"}]))
    disrupted = pods().seen(pod(conditions=[condition("DisruptionTarget", reason="PreemptionByScheduler")]))
    assert ready and unready and disrupted
    assert ready.kept == unready.kept != disrupted.kept


def test_a_pending_pod_keeps_why_it_waits() -> None:
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    seen = pods().seen(pod("Pending", conditions=[unscheduled]))
    assert seen and seen.kept.waiting_message == "0/1 nodes"


def test_a_pod_that_is_gone_brings_its_last_state() -> None:
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": NOW}}
    hint = pods().deleted(pod("Failed", containerStatuses=[{"name": "main", "state": ended}]))
    assert hint and hint.gone and hint.pod and hint.pod.exit_code == 3


def test_a_pod_that_was_seen_to_end_before_it_was_deleted_ended_by_itself() -> None:
    """Within one second: the API cannot tell which came first."""
    ended = {"name": "main", "state": {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": NOW}}}
    meta = {"deletionTimestamp": NOW, "deletionGracePeriodSeconds": 0}
    before = pods(job()).seen(pod("Failed", containerStatuses=[ended]))
    assert before
    told = pod("Failed", meta=meta, containerStatuses=[ended])
    again, last = pods(job()).seen(told, before.kept), pods(job()).deleted(told, before.kept)
    assert again and again.kept == before.kept
    assert last and last.gone and last.pod and last.pod.reason is PodReason.ERROR
    unseen = pods(job()).deleted(told)
    assert unseen and unseen.pod and unseen.pod.reason is PodReason.DELETED


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (job(), PodReason.DELETED),
        (job(status={"conditions": [condition("FailureTarget", NOW - timedelta(days=9))]}), PodReason.STOPPED),
        (job(metadata={"name": "j", "finalizers": ["foregroundDeletion"]}), PodReason.STOPPED),
        (None, PodReason.STOPPED),
    ],
)
def test_a_running_pod_that_is_taken_away_is_over(known: wire.Job | None, reason: PodReason) -> None:
    hint = pods(known).deleted(pod("Running"))
    assert hint and hint.pod and hint.pod.is_over
    assert (hint.pod.reason, hint.pod.exit_code) == (reason, None)


def test_a_pod_that_vanished_unseen_is_gone_as_it_was_last_seen() -> None:
    seen = pods().seen(pod())
    assert seen
    hint = pods().vanished(seen.kept)
    assert hint and hint.gone and hint.pod and hint.pod.phase is PodPhase.RUNNING


def event(**changes: Any) -> wire.Event:
    body = {
        "metadata": {"uid": "e", "creationTimestamp": NOW},
        "involvedObject": {"kind": "Pod", "name": f"{JOB_ID}-1-0-abcde", "uid": "p"},
        "reason": "BackOff",
        "message": "Back-off pulling image",
        "type": "Warning",
        "count": 1,
        "lastTimestamp": NOW,
    }
    return msgspec.convert({**body, **changes}, wire.Event)


def test_an_event_comes_as_a_notice_and_its_repeat_is_news() -> None:
    first, again = FollowedEvents().seen(event()), FollowedEvents().seen(event(count=2))
    same = FollowedEvents().seen(event(metadata={"uid": "e", "resourceVersion": "9"}))
    assert first and again and same and first.hint.notice
    assert (first.hint.notice.reason, first.hint.notice.replica) == ("BackOff", 0)
    assert first.kept == same.kept != again.kept


def test_an_event_that_is_gone_says_nothing() -> None:
    assert FollowedEvents().deleted(event()) is None
    assert FollowedEvents().vanished(1) is None
