import pytest
from django.db import IntegrityError

from jobs.models import AuditEntry, Event, Job, ResourcePool
from jobs_platform.inserts import insert_all, prepare
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db


def columns(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


@pytest.mark.parametrize(
    "row",
    [
        AuditEntry(actor_name="bob", action="job.create", detail={"a": [1, None, "ü"]}),
        ResourcePool(name="p", kind="local", options={}, cpu_millis=None),
    ],
)
def test_it_writes_what_save_would(row):
    prepare(row).run()
    assert row.pk
    assert not row._state.adding
    assert columns(type(row).objects.get(pk=row.pk)) == columns(row)


def test_many_rows_are_one_statement(bob, queue, django_assert_num_queries):
    job = submit(bob)
    wanted = [
        Event(job=job, reason=f"r%s{n}", params={"n": [n, None, "ü"]}, fingerprint=str(n), attempt=n or None)
        for n in range(3)
    ]
    with django_assert_num_queries(1):
        insert_all(wanted)
    found = Event.objects.filter(job=job, fingerprint__in=["0", "1", "2"]).order_by("pk")
    assert [columns(event) for event in found] == [columns(event) for event in wanted]


def test_no_rows_are_no_statement(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_all([])


def test_what_was_not_known_before_can_come_late(bob, queue):
    job = submit(bob)
    event = Event(job_id=0, reason="Submitted", fingerprint="f")
    prepare(event).run(job_id=job.pk)
    assert Event.objects.get(pk=event.pk).job == event.job == job


def test_a_row_that_is_there_already_is_refused(bob, queue):
    job = submit(bob)
    with pytest.raises(IntegrityError):
        prepare(Job(**{**columns(job), "name": "twin"})).run()
