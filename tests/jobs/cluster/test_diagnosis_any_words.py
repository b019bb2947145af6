"""Whatever a cluster says, a diagnosis answers, and what it answers can be stored and read."""

import json

from hypothesis import given
from hypothesis import strategies as st

from jobs import wording
from jobs.cluster.base import AttemptSnapshot, Condition, Notice, ObjectRef, PodPhase, PodReason, PodRef, PodSnapshot
from jobs.cluster.diagnosis import Ending, diagnose, diagnose_attempt, evicted_by_queue, why_waiting, with_last_words
from tests.jobs.cluster.diagnosed import JOB

PIECES = [
    "0/5 nodes are available: ",
    "3 Insufficient ",
    "nvidia.com/gpu",
    ", ",
    "2 node(s) had untolerated taint {",
    "}",
    ": ",
    "preemption: ",
    "exceeded quota: ",
    "requested: ",
    "used: ",
    "limited: ",
    "=",
    'violates PodSecurity "',
    '"',
    "failed to fetch oauth token:",
    "dial tcp",
    "not found",
    "persistentvolumeclaim ",
    "couldn't find key ",
    " in Secret ",
    "/",
    "insufficient unused quota for ",
    " in flavor ",
    " more needed",
    "The node was low on resource: ",
    "Usage of EmptyDir volume ",
    " exceeds the limit ",
    "Back-off pulling image ",
    "999999999999999999",
    "\x00",
    "\ud800",
    "\n",
    "%s %(x)s",
]
TEXT = st.text(max_size=30) | st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join)
KNOWN = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "ContainerCreating",
    "FailedCreate",
    "FailedMount",
    "Pulling",
    "DeadlineExceeded",
    "Preempted",
    "PreemptionByScheduler",
    "",
]
REASON = st.sampled_from(KNOWN) | TEXT
TIMES = st.none() | st.datetimes(timezones=st.timezones())
TYPES = ["PodScheduled", "DisruptionTarget", "Failed", "FailureTarget", "QuotaReserved", "Admitted", "Evicted", ""]
CONDITIONS = st.lists(
    st.builds(Condition, st.sampled_from(TYPES), st.sampled_from([True, False, None]), REASON, TEXT), max_size=3
).map(tuple)
PODS = st.builds(
    PodSnapshot,
    ref=st.builds(PodRef, st.just(JOB), st.just(1), st.integers(0, 3), st.just("u")),
    phase=st.sampled_from(PodPhase),
    node=TEXT,
    finished_at=TIMES,
    exit_code=st.none() | st.integers(),
    reason=st.sampled_from(PodReason),
    message=TEXT,
    waiting_reason=REASON,
    waiting_message=TEXT,
    conditions=CONDITIONS,
    terminating=st.booleans(),
    memory_limit_bytes=st.integers(-1, 1 << 60),
)
NOTICES = st.builds(
    Notice,
    object_uid=st.just("u"),
    reason=REASON,
    message=TEXT,
    at=st.datetimes(timezones=st.timezones()),
    first_at=st.datetimes(timezones=st.timezones()),
    replica=st.none() | st.integers(0, 3),
)
SNAPSHOTS = st.builds(
    AttemptSnapshot,
    ref=st.just(ObjectRef(JOB, 1, "u")),
    replicas=st.integers(1, 4),
    pods=st.lists(PODS, max_size=4).map(tuple),
    conditions=CONDITIONS,
    admission=CONDITIONS,
    notices=st.lists(NOTICES, max_size=3).map(tuple),
    suspended=st.booleans(),
)


def storable(reason: str, params: dict[str, object]) -> None:
    """PostgreSQL takes neither NUL nor halves of surrogate pairs in its JSON; a reason's column has 64 characters."""
    text = json.dumps(params, ensure_ascii=False)
    assert text.encode()
    assert "\\u0000" not in text
    assert len(text) < 4000
    assert 0 < len(reason) <= 64
    assert wording.explanation(reason, params).summary != reason


@given(SNAPSHOTS)
def test_why_it_waits_can_be_told_of_any_snapshot(snapshot: AttemptSnapshot) -> None:
    if finding := why_waiting(snapshot):
        storable(finding.reason, finding.params)
        assert bool(finding.stuck) == (finding.as_ending is not None)


@given(SNAPSHOTS, st.lists(TEXT, max_size=5))
def test_why_it_ended_can_be_told_of_any_snapshot(snapshot: AttemptSnapshot, lines: list[str]) -> None:
    for ending in (diagnose(snapshot.pods), diagnose_attempt(snapshot), evicted_by_queue(snapshot)):
        if isinstance(ending, Ending):
            told = with_last_words(ending, lines)
            storable(told.reason.value, told.params)
