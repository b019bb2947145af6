"""Admission: new jobs enter their queue, and as many as fit are given a place and an attempt.

Several workers may come here at once: the transaction holds the pool's row (PostgreSQL) or the whole database's write
lock (SQLite, IMMEDIATE), so places are given away once. No network in here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, Sum

from jobs import transitions
from jobs.cluster.base import Capacity
from jobs.identifiers import pod_name
from jobs.models import Attempt, Job, Pod, Queue, ResourcePool
from jobs.querysets import JobQuerySet
from jobs.reconcile.admission import Amount, Choice, Held, QueueState, Waiting, choose
from jobs.states import ADMITTED, Desired, JobStatus
from jobs.transitions import Move

CONSIDERED = 200  # waiting jobs looked at in one pass, in order
EXPLAINED = 50  # of those held back, how many have their reason renewed in one pass


def admit(pool: ResourcePool, now: datetime) -> int:
    """How many jobs entered a queue or were given a place; 0 when there was nothing to do."""
    # Read before the lock is taken: a create must not wait for two hundred rows. What changes in between is refused
    # by its version, and the places in use are counted under the lock.
    waiting = considered(pool, now)
    if not waiting:
        return 0
    with transaction.atomic():
        # Not its key: a create only needs that to stay, and must not wait for this.
        pool = ResourcePool.objects.select_for_update(no_key=True).get(pk=pool.pk)
        choice = decide_places(pool, waiting)
        chosen = frozenset(choice.admitted)
        enters = [enter(job, now) for job in waiting if job.state is JobStatus.PENDING]
        starts = [start(job, now) for job in waiting if job.pk in chosen]
        made = transitions.apply_all([*enters, *starts], now)
        admitted = {move.job_pk for move in made if move.new is JobStatus.STARTING}
        make_attempts([job for job in waiting if job.pk in admitted], now)
        for job in waiting:
            mark_entered(job)
        explain(waiting, choice.held)
    return len(made)


def waiting_jobs(pool: ResourcePool, now: datetime) -> JobQuerySet:
    new = Q(status=JobStatus.PENDING.value, next_check_at__lte=now)
    return Job.objects.active().filter(Q(status=JobStatus.QUEUED.value) | new, pool=pool, desired=Desired.RUN.value)


def considered(pool: ResourcePool, now: datetime) -> list[Job]:
    """All that wait, in order, when they are few. When they are many: the new ones, and those of queues that have a
    place free, so that a long line before a full queue keeps nobody else from starting."""
    waiting = waiting_jobs(pool, now)
    number = waiting[:CONSIDERED].count()
    if number < CONSIDERED:
        return list(in_order(waiting)) if number else []
    new = in_order(waiting.filter(status=JobStatus.PENDING.value))[:CONSIDERED]
    queued = in_order(waiting.filter(status=JobStatus.QUEUED.value))
    closed = not pool.enabled or pool.draining
    rest = queued[:EXPLAINED] if closed else queued.exclude(queue__in=full_queues(pool))[:CONSIDERED]
    return sorted([*new, *rest], key=lambda job: (-job.queue.priority, -job.priority, job.pk))


def full_queues(pool: ResourcePool) -> list[int]:
    running, _used = in_use(pool)
    limits = Queue.objects.filter(pool=pool).exclude(max_running_jobs=None).values_list("pk", "max_running_jobs")
    return [pk for pk, limit in limits if limit is not None and running.get(pk, 0) >= limit]


def in_order(jobs: JobQuerySet) -> JobQuerySet:
    light = jobs.defer("config", "secret_envs", "labels", "last_error").select_related("queue")
    return light.order_by("-queue__priority", "-priority", "pk")


def enter(job: Job, now: datetime) -> Move:
    """Pending → Queued."""
    return Move(
        job_pk=job.pk,
        version=job.version,
        new=JobStatus.QUEUED,
        reason="Waiting",
        event="Queued",
        event_params={"queue": job.queue.name},
        columns={"queued_at": now, "next_check_at": None},
    )


def mark_entered(job: Job) -> None:
    """The row as enter() left it; where somebody else changed it meanwhile, explain() finds another version."""
    if job.state is JobStatus.PENDING:
        job.status, job.version = JobStatus.QUEUED.value, job.version + 1
        job.status_reason, job.status_params = "Waiting", {}


def start(job: Job, now: datetime) -> Move:
    """Queued → Starting, due at once; a job that was Pending has entered its queue just before."""
    number = job.attempt_number + 1
    return Move(
        job_pk=job.pk,
        version=job.version + (job.state is JobStatus.PENDING),
        new=JobStatus.STARTING,
        reason="Starting",
        event="Scheduled",
        event_params={"attempt": number},
        attempt=number,
        columns={"attempt_number": number, "next_check_at": now},
    )


def decide_places(pool: ResourcePool, waiting: Sequence[Job]) -> Choice:
    if not pool.enabled or pool.draining:
        variant = "draining" if pool.enabled else "disabled"
        return Choice((), tuple(Held(job.pk, params={"variant": variant, "pool": pool.name}) for job in waiting))
    running, used = in_use(pool)
    queues = {
        job.queue_id: QueueState(job.queue.name, job.queue.max_running_jobs, running.get(job.queue_id, 0))
        for job in waiting
    }
    capacity = Capacity(pool.cpu_millis, pool.memory_bytes, pool.gpus)
    return choose([waiting_of(job) for job in waiting], queues, capacity=capacity, used=used)


def in_use(pool: ResourcePool) -> tuple[dict[int, int], Amount]:
    """Jobs that hold a place, by queue, and what all of them hold of the pool."""
    holding = Job.objects.active().filter(pool=pool, status__in=[status.value for status in ADMITTED]).order_by()
    rows = holding.values_list("queue").annotate(
        jobs=Count("pk"),
        cpu=Sum(F("cpu_millis") * F("replicas")),
        memory=Sum(F("memory_bytes") * F("replicas")),
        gpu=Sum(F("gpus") * F("replicas")),
    )
    running, used = {}, Amount()
    for queue, jobs, cpu, memory, gpu in rows:
        running[queue] = jobs
        used += Amount(cpu, memory, gpu)
    return running, used


def waiting_of(job: Job) -> Waiting:
    amount = Amount(job.cpu_millis * job.replicas, job.memory_bytes * job.replicas, job.gpus * job.replicas)
    return Waiting(job.pk, job.queue_id, amount)


def make_attempts(jobs: Iterable[Job], now: datetime) -> None:
    """Nothing for no jobs."""
    attempts = Attempt.objects.bulk_create(
        Attempt(job=job, number=job.attempt_number + 1, created_at=now) for job in jobs
    )
    Pod.objects.bulk_create(pod for attempt in attempts for pod in pods_of(attempt))


def pods_of(attempt: Attempt) -> Iterable[Pod]:
    job = attempt.job
    for replica in range(job.replicas):
        name = pod_name(job.public_id, attempt.number, replica)
        yield Pod(job=job, attempt=attempt, replica=replica, name=name)


def explain(waiting: Sequence[Job], held: Sequence[Held]) -> None:
    jobs = {job.pk: job for job in waiting}
    items: list[tuple[Job, str, dict[str, Any]]] = [
        (jobs[one.pk], one.reason, one.params)
        for position, one in enumerate(held)
        if position < EXPLAINED or jobs[one.pk].status_params.get("variant") != one.params.get("variant")
    ]
    transitions.explain_all(items)
