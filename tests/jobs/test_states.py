from hypothesis import given
from hypothesis import strategies as st

from jobs.states import ACTIVE, ADMITTED, FINAL, TRANSITIONS, EndReason, JobStatus, RetryClass, allowed, may_retry


def test_every_status_is_active_or_final():
    assert frozenset(JobStatus) == ACTIVE | FINAL
    assert not ACTIVE & FINAL
    assert ADMITTED < ACTIVE


def test_final_statuses_never_change():
    assert all(not TRANSITIONS[status] for status in FINAL)


def test_every_status_can_be_reached_from_pending():
    reached, fresh = {JobStatus.PENDING}, {JobStatus.PENDING}
    while fresh:
        fresh = {new for old in fresh for new in TRANSITIONS[old]} - reached
        reached |= fresh
    assert reached == set(JobStatus)


def test_every_active_status_can_be_stopped():
    assert all(status is JobStatus.STOPPING or allowed(status, JobStatus.STOPPING) for status in ACTIVE)


def test_every_end_reason_has_one_final_status_and_one_retry_class():
    for reason in EndReason:
        assert reason.status in FINAL
        assert isinstance(reason.retry_class, RetryClass)
    assert EndReason.COMPLETED.status is JobStatus.SUCCEEDED
    assert EndReason.STOPPED_BY_USER.status is JobStatus.STOPPED


@given(st.sampled_from(EndReason), st.integers(1, 50), st.integers(0, 50), st.sets(st.sampled_from(EndReason)))
def test_retries_are_bounded_and_never_follow_a_stop_or_success(reason, attempt, most, on):
    retried = may_retry(reason, attempt=attempt, max_retries=most, on=frozenset(one.value for one in on))
    if attempt > most or reason in (EndReason.STOPPED_BY_USER, EndReason.COMPLETED, EndReason.OUT_OF_MEMORY):
        assert not retried
    if retried and on:
        assert reason in on
