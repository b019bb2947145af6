"""Admission: new jobs enter their queue, and as many as fit are given a place and an attempt.

Several workers may come here at once: the transaction holds the pool's row (PostgreSQL) or the whole database's write
lock (SQLite, IMMEDIATE), so places are given away once. No network in here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Sum

from jobs import transitions
from jobs.cluster.base import Capacity
from jobs.identifiers import pod_name
from jobs.models import Attempt, Job, Pod, Queue, ResourcePool
from jobs.reconcile.admission import Amount, Choice, Held, QueueState, Waiting, choose
from jobs.states import ADMITTED, Desired, JobStatus
from jobs.transitions import Move

ENQUEUE_BATCH = 200
CONSIDERED = 300  # waiting jobs looked at in one pass, in order
EXPLAINED = 50  # of those held back, how many have their reason renewed in one pass


def admit(pool: ResourcePool, now: datetime) -> int:
    """How many jobs entered a queue or were given a place; 0 when there was nothing to do."""
    with transaction.atomic():
        ResourcePool.objects.select_for_update().get(pk=pool.pk)
        entered = enqueue(pool, now)
        waiting = in_order(pool)
        if not waiting:
            return entered
        choice = decide_places(pool, waiting)
        admitted = start(pool, [job for job in waiting if job.pk in set(choice.admitted)], now)
        explain(waiting, choice.held)
    return entered + admitted


def has_work(pool: ResourcePool, now: datetime) -> bool:
    """Whether anything waits, asked before a transaction is begun."""
    waiting = Job.objects.filter(pool=pool, desired=Desired.RUN.value)
    return (
        waiting.filter(status=JobStatus.QUEUED.value).exists()
        or waiting.filter(status=JobStatus.PENDING.value, next_check_at__lte=now).exists()
    )


def enqueue(pool: ResourcePool, now: datetime) -> int:
    new = Job.objects.filter(
        pool=pool, status=JobStatus.PENDING.value, desired=Desired.RUN.value, next_check_at__lte=now
    ).select_related("queue")
    moves = [
        Move(
            job_pk=job.pk,
            version=job.version,
            new=JobStatus.QUEUED,
            reason="Waiting",
            event="Queued",
            event_params={"queue": job.queue.name},
            columns={"queued_at": now, "next_check_at": None},
        )
        for job in new.order_by("pk")[:ENQUEUE_BATCH]
    ]
    return len(transitions.apply_all(moves, now)) if moves else 0


def in_order(pool: ResourcePool) -> list[Job]:
    queued = Job.objects.filter(pool=pool, status=JobStatus.QUEUED.value, desired=Desired.RUN.value)
    return list(queued.order_by("-queue__priority", "-priority", "pk")[:CONSIDERED])


def decide_places(pool: ResourcePool, waiting: Sequence[Job]) -> Choice:
    if not pool.enabled or pool.draining:
        variant = "draining" if pool.enabled else "disabled"
        return Choice((), tuple(Held(job.pk, params={"variant": variant, "pool": pool.name}) for job in waiting))
    holding = Job.objects.filter(pool=pool, status__in=[status.value for status in ADMITTED])
    running = dict(holding.values_list("queue").annotate(jobs=Count("pk")))
    queues = {
        queue.pk: QueueState(queue.name, queue.max_running_jobs, running.get(queue.pk, 0))
        for queue in Queue.objects.filter(pool=pool)
    }
    sums = holding.aggregate(
        cpu=Sum(F("cpu_millis") * F("replicas"), default=0),
        memory=Sum(F("memory_bytes") * F("replicas"), default=0),
        gpu=Sum(F("gpus") * F("replicas"), default=0),
    )
    capacity = Capacity(pool.cpu_millis, pool.memory_bytes, pool.gpus)
    return choose([waiting_of(job) for job in waiting], queues, capacity=capacity, used=Amount(**sums))


def waiting_of(job: Job) -> Waiting:
    amount = Amount(job.cpu_millis * job.replicas, job.memory_bytes * job.replicas, job.gpus * job.replicas)
    return Waiting(job.pk, job.queue_id, amount)


def start(pool: ResourcePool, jobs: Sequence[Job], now: datetime) -> int:
    """Queued → Starting with the next attempt and its pods; they are due at once."""
    moves = [
        Move(
            job_pk=job.pk,
            version=job.version,
            new=JobStatus.STARTING,
            reason="Starting",
            event="Scheduled",
            event_params={"attempt": job.attempt_number + 1},
            attempt=job.attempt_number + 1,
            columns={"attempt_number": job.attempt_number + 1, "next_check_at": now},
        )
        for job in jobs
    ]
    moved = transitions.apply_all(moves, now) if moves else set()
    make_attempts([job for job in jobs if job.pk in moved], now)
    return len(moved)


def make_attempts(jobs: Iterable[Job], now: datetime) -> None:
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
