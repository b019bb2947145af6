"""The jobs that a reader sets beside one another: named by id, or by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from jobs.dashboard.colours import colour
from jobs.exceptions import JobNotFound
from jobs.identifiers import JOB_ID
from jobs.models import Job
from jobs.querysets import JobQuerySet

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
    found, _unknown = find_all(user, [word])
    if not found:
        raise JobNotFound
    return found[0]


def find_all(user: User, words: Iterable[str]) -> tuple[list[Job], list[str]]:
    """Each once, at most eight, in the order given; and the words that name none."""
    wanted = list(dict.fromkeys(word.strip() for word in words if word.strip()))[: 2 * MOST_COMPARED]
    seen = Job.objects.visible_to(user).select_related("owner", "project", "pool", "queue")
    by_id = {job.public_id: job for job in seen.filter(public_id__in=filter(JOB_ID.fullmatch, wanted))}
    found = {word: by_id.get(word) or newest_named(seen, word) for word in wanted}
    jobs = {job.pk: job for job in found.values() if job}
    return list(jobs.values())[:MOST_COMPARED], [word for word, job in found.items() if job is None]


def newest_named(jobs: JobQuerySet, name: str) -> Job | None:
    if JOB_ID.fullmatch(name) or "\0" in name:  # which PostgreSQL does not look for
        return None
    return jobs.matching(name).filter(name=name).order_by("-pk").first()


def words_of(values: Iterable[str]) -> list[str]:
    """`ids=a,b&ids=c` names three."""
    return [word for value in values for word in value.split(",")]


def offered(job: Job) -> list[Job]:
    """The newest others of its project."""
    newest = Job.objects.filter(project=job.project_id, deleted_at=None).exclude(pk=job.pk)
    return list(newest.only("public_id", "name").order_by("-pk")[:OFFERED])
