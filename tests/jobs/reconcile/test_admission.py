from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.base import Capacity
from jobs.reconcile.admission import Amount, QueueState, Waiting, choose

FOUR_CPUS = Capacity(4000, None, None)
OPEN = {1: QueueState("default", None, 0)}


def job(pk, cpu=1000, queue=1):
    return Waiting(pk, queue, Amount(cpu=cpu))


def test_jobs_are_admitted_in_order_until_the_pool_is_full():
    choice = choose([job(1), job(2), job(3)], OPEN, capacity=FOUR_CPUS, used=Amount(cpu=2000))
    assert choice.admitted == (1, 2)
    assert choice.held[0].params == {"variant": "cpu", "free": "0", "total": "4", "asked": "1"}


def test_a_small_job_does_not_overtake_a_large_one():
    choice = choose([job(1, 3000), job(2, 1000)], OPEN, capacity=FOUR_CPUS, used=Amount(cpu=2000))
    assert choice.admitted == ()
    assert choice.held[1].params == {"variant": "behind", "ahead": 1}


def test_a_job_that_asks_for_nothing_starts_at_once():
    assert choose([job(1, 9000), job(2, 0)], OPEN, capacity=FOUR_CPUS, used=Amount()).admitted == (2,)


def test_a_full_queue_holds_back_its_own_jobs_only():
    queues = {1: QueueState("small", 1, 1), 2: QueueState("big", None, 0)}
    choice = choose([job(1), job(2, queue=2)], queues, capacity=FOUR_CPUS, used=Amount())
    assert choice.admitted == (2,)
    assert choice.held[0].params == {"variant": "queue", "queue": "small", "limit": 1, "running": 1}


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3)), max_size=30),
    st.dictionaries(st.integers(1, 3), st.none() | st.integers(0, 4), min_size=3, max_size=3),
    st.integers(0, 5000),
)
def test_no_limit_is_ever_passed_and_nobody_is_forgotten(asked, limits, used):
    waiting = [job(pk, cpu, queue) for pk, (cpu, queue) in enumerate(asked)]
    queues = {pk: QueueState(str(pk), limits[pk], 0) for pk in (1, 2, 3)}
    choice = choose(waiting, queues, capacity=FOUR_CPUS, used=Amount(cpu=used))
    admitted = [one for one in waiting if one.pk in choice.admitted]
    asking = [one for one in admitted if one.amount.cpu]
    assert not asking or used + sum(one.amount.cpu for one in asking) <= 4000
    for pk, limit in limits.items():
        assert limit is None or sum(one.queue_id == pk for one in admitted) <= limit
    assert sorted([*choice.admitted, *(one.pk for one in choice.held)]) == [one.pk for one in waiting]
