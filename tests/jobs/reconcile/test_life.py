"""R5, R6: whatever happens in whatever order, status moves along the table, ends once, and nothing runs afterwards."""

from datetime import timedelta
from unittest import mock

from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Membership, Project, User
from jobs import services
from jobs.cluster.base import PodPhase, PodReason
from jobs.cluster.errors import Unavailable
from jobs.exceptions import JobNotActive, JobNotFound
from jobs.models import Attempt, Job, Queue, ResourcePool
from jobs.reconcile import claims, loop
from jobs.reconcile.apply import apply
from jobs.reconcile.decide import View, decide
from jobs.reconcile.work import Work
from jobs.services import Origin
from jobs.states import FINAL, Desired, JobStatus, allowed
from tests.jobs.conftest import submit
from tests.jobs.reconcile.worlds import World

STEPS = st.sampled_from(
    ["run", "succeed", "fail", "lose", "blind", "see", "refuse", "accept", "stop", "delete", "pass", "later", "stale"]
)


class LifeTests(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create_user("bob", password="x")
        Membership.objects.create(user=self.user, project=Project.objects.create(slug="default", name="d"))
        self.pool = ResourcePool.objects.create(name="local", kind="local", is_default=True)
        Queue.objects.create(pool=self.pool, name="default", is_default=True)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(STEPS, max_size=25), st.integers(1, 2), st.integers(0, 2))
    def test_any_order_of_events_keeps_the_rules(self, steps: list[str], replicas: int, retries: int) -> None:
        world = World()
        job = submit(self.user, replicas=replicas, retryPolicy={"maxRetries": retries})
        history = [JobStatus.PENDING]
        with mock.patch.object(loop, "cluster_for", lambda pool: world):
            for step in steps:
                self.take(step, world, job)
                self.check(history, job)
            # When the world is sound again and the command ends, the job ends and nothing of it is left.
            world.blind, world.refuse = False, None
            for _turn in range(12):
                for name in list(world.attempts):
                    world.end(name, PodPhase.SUCCEEDED, PodReason.COMPLETED, 0)
                self.take("later", world, job)
                self.check(history, job)
        self.assertIn(history[-1], FINAL)
        self.assertEqual(world.attempts, {})
        self.assertEqual(len(world.created), len(set(world.created)), "an attempt was started twice")

    def check(self, history: list[JobStatus], job: Job) -> None:
        now = JobStatus(Job.objects.get(pk=job.pk).status)
        if now is not history[-1]:
            self.assertNotIn(history[-1], FINAL)
            self.assertTrue(reachable(history[-1], now), f"{history} then {now}")
            history.append(now)

    def take(self, step: str, world: World, job: Job) -> None:
        newest = next(reversed(world.attempts), "")
        match step:
            case "run" if newest:
                world.run(newest) if not any(pod.is_over for pod in world.attempts[newest]) else None
            case "succeed" if newest:
                world.end(newest, PodPhase.SUCCEEDED, PodReason.COMPLETED, 0, only=0)
            case "fail" if newest:
                world.end(newest, PodPhase.FAILED, PodReason.ERROR, 1, only=0)
            case "lose":
                world.attempts.clear()
            case "blind" | "see":
                world.blind = step == "blind"
            case "refuse" | "accept":
                world.refuse = Unavailable("later") if step == "refuse" else None
            case "stop" | "delete":
                act = services.stop if step == "stop" else services.delete
                try:
                    act(actor=self.user, public_id=job.public_id, origin=Origin())
                except (JobNotActive, JobNotFound):
                    pass
            case "pass":
                loop.reconcile(self.pool)
            case "later":
                Attempt.objects.exclude(absent_since=None).update(absent_since=timezone.now() - timedelta(minutes=1))
                Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)
                loop.reconcile(self.pool)
            case "stale":  # a worker that read the row long ago writes now
                self.write_stale(job)

    def write_stale(self, job: Job) -> None:
        claim = claims.Claim("stale", timezone.now() - timedelta(minutes=5), (job,))
        apply(claim, [Work(job, None, decision=decide(view_of_ended(), None, timezone.now()))])


def view_of_ended() -> View:
    return View(status=JobStatus.STOPPING, desired=Desired.STOP)


def reachable(old: JobStatus, new: JobStatus) -> bool:
    """One pass may take several steps."""
    seen, fresh = {old}, {old}
    while fresh:
        fresh = {status for one in fresh for status in JobStatus if allowed(one, status)} - seen
        seen |= fresh
    return new in seen
