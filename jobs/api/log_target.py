"""Whose log is asked for, whether it will still grow, and whether who asks may go on reading it.

For streams, which outlive the request that opened them: what they ask the database goes through two threads of its own,
and many followers of one pod share the answer.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import close_old_connections
from django.db.models import QuerySet
from django.utils import timezone

from accounts import credentials
from accounts.models import User
from jobs.exceptions import JobNotFound, PodNotFound, PoolUnavailable
from jobs.identifiers import JOB_ID, parse_pod_name
from jobs.logs.format import CONTAINER, pod_dir
from jobs.logs.objects.shelf import require_answer
from jobs.logs.store import LogKey
from jobs.models import Job, Pod
from jobs.services import find_job, find_pod
from jobs.states import JobStatus

T = TypeVar("T")
DATABASE = ThreadPoolExecutor(2, thread_name_prefix="streams")
FRESH_SECONDS = 0.9  # how old an answer about a pod may be: less than what followers wait between two questions
SETTLE_SECONDS = 60.0  # so long the job's status is waited for after its log's end; an agent may be about to start anew
FIRST_POLL_SECONDS, LAST_POLL_SECONDS = 0.02, 0.5
LATE = timedelta(seconds=60)  # so long a log that is fetched from a cluster is waited for after its pod's end
ASKS_ITSELF_SECONDS = 1.5  # who waits for lines does so every second
LOST = "the right to read was lost"
AWAY = timedelta(seconds=45)  # an agent, or its watch, that was heard of last so long ago


@dataclass(frozen=True, slots=True)
class Target:
    """A pod's log. The pod itself may not be there yet."""

    job_pk: int
    job_id: str
    pod_name: str
    key: LogKey


@dataclass(frozen=True, slots=True)
class PodState:
    """What the registry says of a pod and its job."""

    status: str  # the job's
    ended: bool  # nothing of this pod will be written any more
    settled: bool  # the job's status takes the pod's end into account


def find_target(*, actor: User, job_id: str, pod_name: str, container: str = CONTAINER, follow: bool) -> Target:
    """A follower may be early: the pods of the current attempt and of the next one count as there while the job is
    active. Raises JobNotFound, PodNotFound."""
    if not JOB_ID.fullmatch(job_id):
        raise JobNotFound
    job = find_job(actor=actor, public_id=job_id, related=False)
    if parse_pod_name(pod_name) is None:
        raise PodNotFound
    try:
        pod = find_pod(job=job, name=pod_name)
    except PodNotFound:
        if not follow:
            raise
        attempt, replica = expected(job, pod_name)
        return Target(job.pk, job_id, pod_name, LogKey(job_id, attempt, replica, container))
    return Target(job.pk, job_id, pod_name, LogKey(job_id, pod.attempt.number, pod.replica, container))


def expected(job: Job, pod_name: str) -> tuple[int, int]:
    """Attempt and replica of a pod that this job may yet have. Raises PodNotFound."""
    parsed = parse_pod_name(pod_name)
    if parsed is None or not job.is_active:
        raise PodNotFound
    job_id, attempt, replica = parsed
    now = job.attempt_number
    if job_id != job.public_id or attempt not in (max(now, 1), now + 1) or replica >= job.replicas:
        raise PodNotFound
    return attempt, replica


def pod_state(target: Target) -> PodState:
    """One query when the pod is there, two while it is not."""
    pod = (
        Pod.objects.filter(job_id=target.job_pk, name=target.pod_name)
        .select_related("job__pool")
        .only(*POD_COLUMNS, "job__status", "job__attempt_number", "job__replicas", "job__pool__kind")
        .first()
    )
    job = pod.job if pod else Job.objects.only("status", "attempt_number", "replicas").filter(pk=target.job_pk).first()
    if job is None:
        return PodState(JobStatus.STOPPED.value, ended=True, settled=True)
    over = pod is not None and pod.is_over
    decided = job.is_final or job.attempt_number > target.key.attempt
    ended = (decided or over) and not (pod and is_awaited(pod))
    return PodState(job.status, ended=ended, settled=decided or (pod is not None and over and is_accounted(pod)))


def is_accounted(pod: Pod) -> bool:
    """Whether the job's status is as it is though this pod is over: the job waits for its next attempt, or runs on in
    other pods. One query for a pod of several that has succeeded."""
    if pod.job.status in (JobStatus.PENDING, JobStatus.QUEUED):
        return True
    others = Pod.objects.filter(attempt_id=pod.attempt_id).exclude(phase__in=("Succeeded", "Failed"))
    return pod.job.replicas > 1 and pod.phase == "Succeeded" and others.exists()


POD_COLUMNS = ("uid", "attempt", "phase", "log_stored_at", "finished_at", "observed_at")


def is_awaited(pod: Pod) -> bool:
    """Whether lines of a pod that is over may still come: the agent has not fetched all of them. While it is away,
    nobody waits for ever."""
    if not pod.job.pool.fetches_logs or not pod.uid or pod.log_stored_at:
        return False
    since = pod.observed_at or pod.finished_at
    return since is not None and timezone.now() - since < LATE


def require_captured(target: Target) -> None:
    """For a log of which nothing is in the store. Raises PoolUnavailable when its pod has begun, and nobody fetches
    what it prints just now."""
    require_fetched(Pod.objects.filter(job_id=target.job_pk, name=target.pod_name))


def require_fetched(pods: QuerySet[Pod]) -> None:
    """The same for pods of one job."""
    begun = pods.filter(log_stored_at=None).exclude(uid="").exclude(phase="Pending")
    pod = begun.select_related("job__pool").first()
    if pod is None or not pod.job.pool.fetches_logs:
        return
    heard = (pod.job.pool.agent_seen_at, pod.job.pool.watched_at)
    if any(at is None or timezone.now() - at > AWAY for at in heard):
        raise PoolUnavailable


def require_at_hand(target: Target) -> None:
    """For a stream, whose answer cannot say so any more once it has begun. Raises LogsAway."""
    key = target.key
    require_answer(pod_dir(settings.LOG_DIR, key.job_id, key.attempt, key.replica), key.container)


class OfJob(Protocol):
    @property
    def job_pk(self) -> int: ...


def may_read(target: OfJob, credential_key: str) -> bool:
    """Whether the credential still speaks for somebody who sees the job."""
    user = credentials.user_of(credential_key)
    return user is not None and Job.objects.visible_to(user).filter(pk=target.job_pk).exists()


async def in_database(function: Callable[..., T], *args: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(DATABASE, with_connection, function, *args)


def with_connection(function: Callable[..., T], *args: object) -> T:
    """As at the beginning and the end of a request: a broken connection is replaced, a pooled one given back."""
    close_old_connections()
    try:
        return function(*args)
    finally:
        close_old_connections()


class Board:
    """The last answer about each pod, or attempt, that is followed in this event loop."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[float, asyncio.Future[Any]]] = {}

    async def state(self, target: Target) -> PodState:
        """At most FRESH_SECONDS old."""
        return await self.answer(target.pod_name, pod_state, target)

    async def answer(self, name: str, question: Callable[..., T], *args: object) -> T:
        """What was answered to the question of this name; at most FRESH_SECONDS old."""
        now = asyncio.get_running_loop().time()
        self._asked = {name: entry for name, entry in self._asked.items() if now - entry[0] < FRESH_SECONDS}
        if name not in self._asked:
            self._asked[name] = (now, asyncio.ensure_future(in_database(question, *args)))
        # Shielded: a follower that goes away must not take the answer from the others.
        answer: T = await asyncio.shield(self._asked[name][1])
        return answer


_boards: WeakKeyDictionary[asyncio.AbstractEventLoop, Board] = WeakKeyDictionary()


def board() -> Board:
    """The running loop's."""
    return _boards.setdefault(asyncio.get_running_loop(), Board())


class Settling(Protocol):
    @property
    def status(self) -> str: ...
    @property
    def settled(self) -> bool: ...


async def final_status(target: Target) -> str:
    """The job's status, once it takes this pod's end into account."""
    return await settled_status(pod_state, target)


async def settled_status(question: Callable[..., Settling], *args: object) -> str:
    """The job's status, once it is settled or SETTLE_SECONDS have passed: a log is complete a moment before the
    registry knows, and longer while the agent or the worker is down."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + SETTLE_SECONDS, FIRST_POLL_SECONDS
    while not (state := await in_database(question, *args)).settled and loop.time() < deadline:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LAST_POLL_SECONDS)
    return state.status


class Authority:
    """Whether who opened a stream may still read it, asked so often that a loss shows within
    AUTHORITY_CHECK_SECONDS."""

    def __init__(self, target: OfJob, credential_key: str) -> None:
        self._target = target
        self._key = credential_key
        self._next = self._later()

    def _later(self) -> float:
        return asyncio.get_running_loop().time() + settings.AUTHORITY_CHECK_SECONDS * 0.8

    async def holds(self) -> bool:
        if asyncio.get_running_loop().time() < self._next:
            return True
        self._next = self._later()
        return await in_database(may_read, self._target, self._key)

    async def cut_off(self, reader: asyncio.Task[Any]) -> None:
        """A reader that takes nothing, and so does not ask, is asked for; its task is cancelled with the word LOST."""
        while True:
            await asyncio.sleep(self._next - asyncio.get_running_loop().time() + ASKS_ITSELF_SECONDS)
            if not await self.holds():
                reader.cancel(LOST)
                return
