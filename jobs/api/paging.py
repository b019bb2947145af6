"""One page of jobs and their exact number, quick at a million rows.

The number comes from the counts that database triggers keep (JobCount) when nothing but project and status is asked
for. Those same counts say which pairs of project and status have any jobs at all; the page is then merged from the
first rows of each pair's index, where one query over several of them would sort or scan the whole table.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Project, User
from jobs.api.filters import filtered, is_plain, ordered
from jobs.api.items import Item, items
from jobs.models import Job, JobCount
from jobs.querysets import JobQuerySet
from jobs.services import visible_project_ids

# Beyond these the merge would read more than it saves.
MERGED_PAIRS = 40
MERGED_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Page:
    jobs: Sequence[Item]
    total: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Jobs that one index holds in the order of their ids. None is "any"."""

    project: int | None
    status: str | None

    def conditions(self) -> dict[str, Any]:
        both = {"project_id": self.project, "status": self.status}
        return {name: value for name, value in both.items() if value is not None}


def find(actor: User, body: Mapping[str, Any]) -> Page:
    """`body` is ListBody's reading of the request."""
    projects = chosen_projects(actor, body.get("projectId"))
    if is_plain(body):
        return find_plain(projects, body)
    jobs = Job.objects.filter(deleted_at=None)
    jobs = filtered(jobs if projects is None else jobs.filter(project_id__in=projects), body)
    total = jobs.count()
    return Page(window(jobs, body) if total else [], total)


def chosen_projects(actor: User, slug: str | None) -> Sequence[int] | None:
    """Ids of the projects to look in; None is "all of them"."""
    visible = visible_project_ids(actor)
    if slug is None:
        return visible
    named = Project.objects.filter(slug=slug).values_list("pk", flat=True)
    return [pk for pk in named if visible is None or pk in visible]


def find_plain(projects: Sequence[int] | None, body: Mapping[str, Any]) -> Page:
    counts = JobCount.objects.filter(count__gt=0)
    if projects is not None:
        counts = counts.filter(project_id__in=projects)
    if "status" in body:
        counts = counts.filter(status__in=body["status"])
    rows = list(counts.values_list("project_id", "status", "count"))
    total = sum(count for _project, _status, count in rows)
    if total <= (body["pageNumber"] - 1) * body["pageSize"]:
        return Page([], total)
    if "status" in body:
        pairs = [Pair(project, status) for project, status, _count in rows]
    elif projects is None:
        pairs = [Pair(None, None)]
    else:
        pairs = [Pair(project, None) for project in sorted({project for project, _status, _count in rows})]
    return Page(page_of(pairs, projects, body), total)


def page_of(pairs: Sequence[Pair], projects: Sequence[int] | None, body: Mapping[str, Any]) -> list[Item]:
    jobs = Job.objects.filter(deleted_at=None)
    if len(pairs) == 1:
        return window(jobs.filter(**pairs[0].conditions()), body)
    last = body["pageNumber"] * body["pageSize"]
    if body["orderBy"] == "createdAt" and len(pairs) <= MERGED_PAIRS and last <= MERGED_ROWS:
        return window(jobs.filter(pk__in=first_ids(jobs, pairs, last, newest=body["order"] == "desc")), body)
    return window(filtered(jobs if projects is None else jobs.filter(project_id__in=projects), body), body)


def first_ids(jobs: JobQuerySet, pairs: Sequence[Pair], most: int, *, newest: bool) -> list[int]:
    order = "-id" if newest else "id"
    found = [
        pk
        for pair in pairs
        for pk in jobs.filter(**pair.conditions()).order_by(order).values_list("pk", flat=True)[:most]
    ]
    return heapq.nlargest(most, found) if newest else heapq.nsmallest(most, found)


def window(jobs: JobQuerySet, body: Mapping[str, Any]) -> list[Item]:
    first = (body["pageNumber"] - 1) * body["pageSize"]
    return items(list(ordered(jobs, body).values_list("pk", flat=True)[first : first + body["pageSize"]]))
