"""Pages cost the same number of queries however much they show."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.events import platform_event
from tests.jobs.dashboard.conftest import Browse, MakeJob


@pytest.mark.parametrize(("page", "most"), [("/", 14), ("/jobs/rows", 10), ("/?owner=bob&keyword=job", 14)])
def test_the_list(
    page: str, most: int, bob: User, browse: Browse, make_job: MakeJob, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        make_job(bob, f"job {number}", pods=2, status="Running")
    client = browse(bob)
    client.get(page)
    with django_assert_max_num_queries(most):
        client.get(page)


@pytest.mark.parametrize(
    ("page", "most"), [("", 10), ("/live", 10), ("?tab=metrics", 11), ("?tab=events", 10), ("?tab=audit", 11)]
)
def test_the_detail(
    page: str, most: int, bob: User, browse: Browse, make_job: MakeJob, django_assert_max_num_queries: Any
) -> None:
    job = make_job(bob, pods=40, status="Running")
    for number in range(40):
        platform_event(job_pk=job.pk, reason=f"R{number}", at=timezone.now()).save()
    client = browse(bob)
    with django_assert_max_num_queries(most):
        client.get(f"/jobs/{job.public_id}{page}")


def test_the_form(bob: User, browse: Browse, make_job: MakeJob, django_assert_max_num_queries: Any) -> None:
    client = browse(bob)
    with django_assert_max_num_queries(8):
        client.get("/jobs/new")


@pytest.mark.parametrize("count", [1, 8])
def test_comparing(
    count: int, bob: User, browse: Browse, make_job: MakeJob, django_assert_max_num_queries: Any
) -> None:
    ids = ",".join(make_job(bob, f"job {number}").public_id for number in range(count))
    client = browse(bob)
    with django_assert_max_num_queries(6):
        client.get(f"/jobs/compare?ids={ids}")
