"""The jobs that a reader sets beside one another: named by id, or by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from jobs import services
from jobs.dashboard.colours import colour
from jobs.exceptions import JobNotFound
from jobs.identifiers import JOB_ID
from jobs.models import Job

MOST_COMPARED = 8
OFFERED = 20


@dataclass(frozen=True, slots=True)
class Compared:
    job: Job
    colour: str

    @property
    def for_charts(self) -> dict[str, Any]:
        """What static/js/charts needs of it."""
        return {
            "id": self.job.public_id,
            "name": self.job.name,
            "colour": self.colour,
            "running": not self.job.is_final,
        }


def compared(job: Job) -> Compared:
    return Compared(job, colour(job.pk))


def find(user: User, word: str) -> Job:
    """By id, else the newest one of that name. Raises JobNotFound."""
    word = word.strip()
    if JOB_ID.fullmatch(word):
        return services.find_job(actor=user, public_id=word)
    if not word or "\0" in word:  # which PostgreSQL does not look for
        raise JobNotFound
    named = Job.objects.visible_to(user).matching(word).filter(name=word)
    job = named.select_related("owner", "project", "pool", "queue").order_by("-pk").first()
    if job is None:
        raise JobNotFound
    return job


def find_all(user: User, words: Iterable[str]) -> tuple[list[Job], list[str]]:
    """Each once, at most eight, in the order given; and the words that name none."""
    jobs: dict[int, Job] = {}
    unknown: list[str] = []
    for word in dict.fromkeys(word.strip() for word in words if word.strip()):
        if len(jobs) == MOST_COMPARED or len(unknown) == MOST_COMPARED:
            break
        try:
            job = find(user, word)
        except JobNotFound:
            unknown.append(word)
        else:
            jobs.setdefault(job.pk, job)
    return list(jobs.values()), unknown


def words_of(values: Iterable[str]) -> list[str]:
    """`ids=a,b&ids=c` names three."""
    return [word for value in values for word in value.split(",")]


def offered(job: Job) -> list[Job]:
    """The newest others of its project."""
    newest = Job.objects.filter(project=job.project_id, deleted_at=None).exclude(pk=job.pk)
    return list(newest.only("public_id", "name").order_by("-pk")[:OFFERED])
