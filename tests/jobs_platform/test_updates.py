from datetime import UTC, datetime

import pytest

from jobs.models import Job
from jobs_platform import updates
from jobs_platform.updates import update_each
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def jobs(bob, queue):
    return [submit(bob) for _ in range(5)]


def test_each_row_gets_values_of_its_own(jobs):
    rows = [(job.pk, f"n%s{n}", {"n": n, "ü": [None]}, NOON if n % 2 else None) for n, job in enumerate(jobs)]
    done = update_each(Job, rows, match=("id",), change=("name", "status_params", "started_at"))
    assert done == {job.pk for job in jobs}
    found = Job.objects.order_by("pk").values_list("pk", "name", "status_params", "started_at")
    assert list(found) == rows


def test_a_column_may_be_null_in_every_row(jobs):
    Job.objects.update(started_at=NOON)
    update_each(Job, [(job.pk, None) for job in jobs], match=("id",), change=("started_at",))
    assert not Job.objects.exclude(started_at=None).exists()


def test_it_tells_which_rows_it_found(jobs):
    Job.objects.filter(pk=jobs[1].pk).update(version=9)
    rows = [(job.pk, 1, "moved") for job in jobs]
    done = update_each(Job, rows, match=("id", "version"), change=("name",))
    assert done == {job.pk for job in jobs} - {jobs[1].pk}
    assert Job.objects.get(pk=jobs[1].pk).name != "moved"


def test_conditions_and_expressions_go_with_it(jobs):
    Job.objects.filter(pk=jobs[0].pk).update(status="Failed")
    done = update_each(
        Job,
        [(job.pk, "moved") for job in jobs],
        match=("id",),
        change=("name",),
        also="version = t.version + %s",
        where="t.status IN (%s, %s)",
        parameters=[2, "Pending", "Queued"],
    )
    assert done == {job.pk for job in jobs[1:]}
    assert list(Job.objects.order_by("pk").values_list("version", flat=True)) == [1, 3, 3, 3, 3]


def test_many_rows_are_written_in_several_statements(jobs, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(updates, "ROWS", 2)
    with django_assert_num_queries(3):
        done = update_each(Job, [(job.pk, "moved") for job in jobs], match=("id",), change=("name",))
    assert len(done) == 5


def test_no_rows_are_no_statement(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert update_each(Job, [], match=("id",), change=("name",)) == set()
