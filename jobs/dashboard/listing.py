"""The job list: its filters as they stand in the URL, and one page of rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.api import paging
from jobs.dashboard import status
from jobs.dashboard.rights import Rights
from jobs.identifiers import JOB_ID
from jobs.models import Job, Pod
from jobs.states import JobStatus

PAGE_SIZE = 25
LAST_PAGE = 1_000_000
KEYWORD_MAX = 128
FILTERS = ("keyword", "status", "pool", "queue", "owner")


CHIP_WORDS: dict[str, Promise] = {
    "keyword": _("Name or id"),
    "status": _("Status"),
    "pool": _("Resource pool"),
    "queue": _("Queue"),
    "owner": _("Owner"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the list without it."""

    name: Promise
    value: str | Promise
    without: str


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What the URL asks for. Values that mean nothing are dropped: a link from a colleague always opens."""

    keyword: str = ""
    status: str = ""
    pool: str = ""
    queue: str = ""
    owner: str = ""
    page: int = 1

    @classmethod
    def read(cls, params: QueryDict) -> "ListQuery":
        values = {name: params.get(name, "").replace("\0", "").strip()[:KEYWORD_MAX] for name in FILTERS}
        if values["status"] not in {one.value for one in JobStatus}:
            values["status"] = ""
        number = params.get("page", "")
        page = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 1
        return cls(**values, page=min(max(page, 1), LAST_PAGE))

    @property
    def is_filtered(self) -> bool:
        return any(getattr(self, name) for name in FILTERS)

    def url_params(self, page: int | None = None) -> str:
        """The query string of this list at another page; empty filters left out."""
        params: dict[str, str | int] = {name: getattr(self, name) for name in FILTERS if getattr(self, name)}
        if (page or self.page) > 1:
            params["page"] = page or self.page
        return f"?{urlencode(params)}" if params else ""

    @property
    def chips(self) -> list[Chip]:
        return [
            Chip(CHIP_WORDS[name], self.shown(name), self.without(name).url_params() or "?")
            for name in FILTERS
            if getattr(self, name)
        ]

    def without(self, name: str) -> "ListQuery":
        kept = {one: getattr(self, one) for one in FILTERS if one != name}
        return ListQuery(**kept)

    def shown(self, name: str) -> str | Promise:
        value: str = getattr(self, name)
        return status.WORDS[JobStatus(value)] if name == "status" else value

    @property
    def here(self) -> str:
        """This list's own address."""
        return "/" + self.url_params()

    def body(self) -> dict[str, Any]:
        """As jobs.api.filters.ListBody reads it from a client."""
        names = {"keyword": "keyword", "pool": "resourcePoolId", "queue": "queue", "owner": "owner"}
        body: dict[str, Any] = {names[name]: getattr(self, name) for name in names if getattr(self, name)}
        if self.status:
            body["status"] = [self.status]
        return {**body, "pageNumber": self.page, "pageSize": PAGE_SIZE, "orderBy": "createdAt", "order": "desc"}


@dataclass(frozen=True, slots=True)
class JobRow:
    job: Job
    status: status.StatusView
    ready: int
    duration: float | None
    may_control: bool


@dataclass(frozen=True, slots=True)
class Listing:
    query: ListQuery
    rows: list[JobRow]
    total: int
    unseen: int  # jobs that belong on this page and are held back, so that nothing moves under the pointer

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def first(self) -> int:
        return (self.query.page - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        return min(self.query.page * PAGE_SIZE, self.total)

    @property
    def previous_params(self) -> str | None:
        return self.query.url_params(self.query.page - 1) or "?" if self.query.page > 1 else None

    @property
    def next_params(self) -> str | None:
        return self.query.url_params(self.query.page + 1) if self.query.page < self.pages else None


def read_held(params: Mapping[str, str]) -> list[str]:
    """The ids of the rows a reader looks at, in their order, while the pointer rests on them."""
    ids = params.get("held", "").split(",")
    return [one for one in ids[:PAGE_SIZE] if JOB_ID.fullmatch(one)]


def build(rights: Rights, query: ListQuery, now: datetime, held: Sequence[str] = ()) -> Listing:
    found = paging.find(rights.user, query.body())
    page = [item.job.public_id for item in found.jobs]
    shown = load(rights.user, held or page)
    ready = ready_pods(shown)
    rows = [
        JobRow(
            job=job,
            status=status.view_of(job, now),
            ready=ready.get(job.pk, 0),
            duration=job.duration_seconds(now),
            may_control=rights.may_control(job),
        )
        for job in shown
    ]
    unseen = len(set(page) - set(held)) if held else 0
    return Listing(query=query, rows=rows, total=found.total, unseen=unseen)


def load(user: User, ids: Sequence[str]) -> list[Job]:
    """In the order of the ids; what is deleted or not the user's to see is left out."""
    jobs = Job.objects.visible_to(user).filter(public_id__in=ids).select_related("owner", "pool", "queue")
    known = {job.public_id: job for job in jobs.defer("config", "secret_envs", "labels", "last_error")}
    return [known[one] for one in ids if one in known]


def ready_pods(jobs: Iterable[Job]) -> dict[int, int]:
    """Ready pods of each job's current attempt."""
    counts = (
        Pod.objects.filter(job__in=[job.pk for job in jobs], ready=True, attempt__number=F("job__attempt_number"))
        .values("job_id")
        .annotate(ready=Count("pk"))
    )
    return {row["job_id"]: row["ready"] for row in counts}
