"""R7: nine jobs deleted by hand are lost; a quarter of a pool that vanishes at once is a wrong view."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import services
from jobs.cluster.base import Absent
from jobs.cluster.errors import Unavailable
from jobs.models import Attempt, Job, ResourcePool
from jobs.reconcile import claims, loop, losses, sweep
from jobs.services import Origin
from tests.jobs.conftest import submit
from tests.jobs.reconcile.worlds import World

pytestmark = pytest.mark.django_db

JOBS = 50


class Listed(World):
    """Counts its whole lists; `deaf` has none to give, and `split` observes what it does not have listed."""

    lists = 0
    deaf = False
    lies = False

    def list_attempts(self):
        self.lists += 1
        if self.deaf:
            raise Unavailable("no list")
        return super().list_attempts()

    def look(self, ref):
        return Absent() if self.lies else super().look(ref)


@pytest.fixture
def world(monkeypatch):
    made = Listed()
    monkeypatch.setattr(loop, "cluster_for", lambda pool: made)
    return made


@pytest.fixture
def jobs(world, bob, queue, pool):
    made = [submit(bob) for _ in range(JOBS)]
    loop.reconcile(pool)
    for name in world.attempts:
        world.run(name)
    go(pool)
    return made


def make_due() -> None:
    Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)


def go(pool) -> None:
    make_due()
    pool.refresh_from_db()
    loop.reconcile(pool)


def lose(world, jobs) -> dict[str, list]:
    """Takes their attempts away; a pass sees the second proof."""
    return {name: world.attempts.pop(name) for name in [f"{job.public_id}-1" for job in jobs]}


def prove(pool) -> None:
    """The first sign of absence, and a look at it half a minute later."""
    go(pool)
    Attempt.objects.exclude(absent_since=None).update(absent_since=timezone.now() - timedelta(seconds=5))
    go(pool)


def pause(monkeypatch) -> None:
    """As if CHECK_SECONDS had passed."""
    for memory in losses._memories.values():
        memory.asked = float("-inf")


def count(status: str) -> int:
    return Job.objects.filter(status=status).count()


def frozen() -> bool:
    return ResourcePool.objects.get().frozen_at is not None


def test_nine_jobs_deleted_by_hand_are_lost(world, jobs, pool):
    lose(world, jobs[:9])
    prove(pool)
    assert (count("Failed"), count("Running"), world.lists) == (9, JOBS - 9, 0)
    assert set(Job.objects.filter(status="Failed").values_list("status_reason", flat=True)) == {"Lost"}


def test_ten_that_a_whole_list_lacks_too_are_lost(world, jobs, pool):
    lose(world, jobs[:10])
    prove(pool)
    assert (count("Failed"), world.lists, frozen()) == (10, 1, False)


def test_a_quarter_of_the_pool_at_once_is_not_believed(world, jobs, pool, monkeypatch):
    gone = lose(world, jobs[:13])
    prove(pool)
    assert (count("Running"), frozen()) == (JOBS, True)
    held = Job.objects.get(pk=jobs[0].pk)
    assert (held.status_reason, held.status_params) == ("PoolUnavailable", {"variant": "frozen"})
    world.attempts |= gone
    pause(monkeypatch)
    go(pool)
    assert not frozen()
    assert set(Job.objects.values_list("status", "status_reason")) == {("Running", "Running")}


def test_passes_of_a_few_jobs_do_not_hide_a_wrong_view(world, jobs, pool, monkeypatch):
    monkeypatch.setattr(claims, "BATCH", 5)
    lose(world, jobs)
    prove(pool)
    assert count("Failed") < 10
    assert frozen()


def test_without_a_whole_list_nothing_is_lost(world, jobs, pool, monkeypatch):
    world.deaf = True
    lose(world, jobs[:10])
    prove(pool)
    assert (count("Running"), frozen()) == (JOBS, False)
    world.deaf = False
    pause(monkeypatch)
    go(pool)
    assert count("Failed") == 10


def test_a_pool_is_listed_once_in_a_while(world, jobs, pool):
    lose(world, jobs[:13])
    prove(pool)
    for _turn in range(3):
        go(pool)
    assert world.lists == 1


def test_what_the_whole_list_has_is_not_lost(world, jobs, pool):
    world.lies = True
    prove(pool)
    assert (count("Running"), frozen()) == (JOBS, False)


def test_a_list_from_before_the_first_sign_of_absence_proves_nothing(world, jobs, pool, monkeypatch):
    lose(world, jobs[:10])
    prove(pool)
    lose(world, jobs[10:20])
    prove(pool)
    assert (count("Failed"), world.lists) == (10, 1)
    pause(monkeypatch)
    ResourcePool.objects.update()
    go(pool)
    assert (count("Failed"), world.lists) == (10, 2), "10 of the 40 that are left are too many"


def test_while_frozen_no_stop_is_believed_either(world, bob, jobs, pool, monkeypatch):
    lose(world, jobs[:13])
    prove(pool)
    services.stop(actor=bob, public_id=jobs[0].public_id, origin=Origin())
    prove(pool)
    assert count("Stopping") == 1


def test_an_operator_may_accept_the_loss(world, jobs, pool, monkeypatch):
    lose(world, jobs[:13])
    prove(pool)
    assert losses.accept(pool) == 13
    pause(monkeypatch)
    go(pool)
    assert (count("Failed"), count("Running"), frozen()) == (13, JOBS - 13, False)
    assert set(Attempt.objects.exclude(end_reason="").values_list("end_reason", flat=True)) == {"Lost"}


def test_a_quiet_pool_thaws_by_the_sweep(world, jobs, pool, monkeypatch):
    ResourcePool.objects.update(frozen_at=timezone.now())
    Job.objects.update(next_check_at=timezone.now() + timedelta(hours=1))
    sweep.sweep()
    assert not frozen()
