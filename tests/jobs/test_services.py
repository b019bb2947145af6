import pytest

from accounts.models import Membership, User
from jobs import services
from jobs.exceptions import (
    IdempotencyMismatch,
    JobNotActive,
    JobNotFound,
    PermissionDenied,
    PoolNotFound,
    ProjectNotFound,
    QueueNotFound,
    ValidationFailed,
)
from jobs.models import AuditEntry, Event, Job, JobCount, Queue, ResourcePool
from jobs.services import Origin
from jobs.states import JobStatus
from tests.jobs.conftest import CONFIG, submit

pytestmark = pytest.mark.django_db


def counts(project) -> dict[str, int]:
    return {row.status: row.count for row in JobCount.objects.filter(project=project, count__gt=0)}


def finish(job: Job, status: JobStatus) -> None:
    Job.objects.filter(pk=job.pk).update(status=status.value)


def test_a_submitted_job_is_pending_due_audited_and_told_of(bob, queue):
    job = submit(bob)
    stored = Job.objects.get(pk=job.pk)
    assert stored.status == "Pending"
    assert Job.objects.due(stored.next_check_at).get() == stored
    assert Event.objects.get(job=job).reason == "Submitted"
    assert AuditEntry.objects.get().action == "job.create"
    assert stored.config["resourcePoolId"] == "local"
    assert stored.config["queue"] == "default"


def test_a_dry_run_writes_nothing(bob, queue):
    services.submit(actor=bob, config=CONFIG, secrets={}, origin=Origin(), dry_run=True)
    assert not Job.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_same_key_is_the_same_job(bob, queue):
    assert submit(bob, key="k").pk == submit(bob, key="k").pk
    assert Job.objects.count() == 1


def test_the_same_key_for_another_request_is_refused(bob, queue):
    submit(bob, key="k")
    with pytest.raises(IdempotencyMismatch):
        submit(bob, key="k", jobName="other")


def test_a_key_belongs_to_its_project(bob, mallory, queue):
    assert submit(bob, key="k").pk != submit(mallory, key="k").pk


def test_a_deleted_job_still_answers_for_its_key(bob, queue):
    job = submit(bob, key="k")
    services.delete(actor=bob, public_id=job.public_id, origin=Origin())
    assert submit(bob, key="k").pk == job.pk


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resourcePoolId": "none"}, PoolNotFound),
        ({"queue": "none"}, QueueNotFound),
        ({"resourcePoolId": "local", "queue": "none"}, QueueNotFound),
        ({"projectId": "none"}, ProjectNotFound),
        ({"projectId": "other"}, ProjectNotFound),
    ],
)
def test_unknown_places_are_refused(bob, mallory, queue, changes, error):
    with pytest.raises(error):
        submit(bob, **changes)


def test_a_viewer_may_not_submit(charlie, queue):
    with pytest.raises(PermissionDenied):
        submit(charlie)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"resources": {"cpu": "3"}}, "resources.cpu"),
        ({"resources": {"cpu": "1500m"}, "replicas": 2}, "resources.cpu"),
        ({"resources": {"memory": "9Gi"}}, "resources.memory"),
        ({"resources": {"gpu": 1}}, "resources.gpu"),
    ],
)
def test_a_job_that_can_never_fit_is_refused_with_the_numbers(bob, queue, changes, field):
    with pytest.raises(ValidationFailed) as refused:
        submit(bob, **changes)
    assert list(refused.value.errors) == [field]


def test_a_disabled_pool_or_queue_takes_no_jobs(bob, queue):
    Queue.objects.update(enabled=False)
    with pytest.raises(ValidationFailed):
        submit(bob)
    ResourcePool.objects.update(enabled=False)
    with pytest.raises(ValidationFailed):
        submit(bob)


def test_secret_values_are_sealed_and_not_in_the_config(bob, queue):
    envs = [{"name": "TOKEN", "secret": True}]
    job = submit(bob, envs=envs, secrets={"TOKEN": "canary-7f3a"})
    stored = Job.objects.get(pk=job.pk)
    assert "canary-7f3a" not in stored.secret_envs
    assert "canary-7f3a" not in str(stored.config)


def test_stop_is_asked_for_once_and_answered_alike_afterwards(bob, job):
    first = services.stop(actor=bob, public_id=job.public_id, origin=Origin())
    again = services.stop(actor=bob, public_id=job.public_id, origin=Origin())
    assert first.status == again.status == "Stopping"
    assert AuditEntry.objects.filter(action="job.stop").count() == 1


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED])
def test_what_has_ended_cannot_be_stopped(bob, job, status):
    finish(job, status)
    with pytest.raises(JobNotActive):
        services.stop(actor=bob, public_id=job.public_id, origin=Origin())


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_in_any_state_can_be_deleted_and_is_gone_at_once(bob, job, status):
    finish(job, status)
    services.delete(actor=bob, public_id=job.public_id, origin=Origin())
    with pytest.raises(JobNotFound):
        services.find_job(actor=bob, public_id=job.public_id)
    with pytest.raises(JobNotFound):
        services.delete(actor=bob, public_id=job.public_id, origin=Origin())
    stored = Job.objects.get(pk=job.pk)
    assert stored.desired == "delete"
    assert stored.next_check_at is not None


def test_members_control_their_own_jobs_and_admins_all(alice, bob, charlie, mallory, queue, project):
    job = submit(alice)
    for actor in (bob, charlie):
        with pytest.raises(PermissionDenied):
            services.stop(actor=actor, public_id=job.public_id, origin=Origin())
    with pytest.raises(JobNotFound):
        services.stop(actor=mallory, public_id=job.public_id, origin=Origin())
    bobs = submit(bob)
    assert services.stop(actor=alice, public_id=bobs.public_id, origin=Origin()).status == "Stopping"


def test_who_left_the_project_no_longer_sees_its_jobs(bob, job):
    Membership.objects.filter(user=bob).delete()
    with pytest.raises(JobNotFound):
        services.find_job(actor=User.objects.get(pk=bob.pk), public_id=job.public_id)


def test_the_counts_follow_every_write(alice, bob, queue, project):
    jobs = [submit(bob) for _ in range(3)]
    assert counts(project) == {"Pending": 3}
    finish(jobs[0], JobStatus.SUCCEEDED)
    services.delete(actor=bob, public_id=jobs[1].public_id, origin=Origin())
    assert counts(project) == {"Pending": 1, "Succeeded": 1}
    Job.objects.filter(pk=jobs[0].pk).delete()
    assert counts(project) == {"Pending": 1}


@pytest.mark.parametrize(
    ("keyword", "found"),
    [
        ("BERT", True),
        ("bert", True),
        ("微调任务", True),
        ("微调", True),
        ("%", True),
        ("a_b", True),
        ("axb", False),
        ('"', True),
    ],
)
def test_a_keyword_is_plain_text_in_any_case(bob, queue, keyword, found):
    job = submit(bob, jobName='Bert 微调任务 100% a_b "x"')
    submit(bob, jobName="other")
    assert list(Job.objects.matching(keyword)) == ([job] if found else [])


def test_a_keyword_finds_an_id(bob, job):
    submit(bob)
    assert list(Job.objects.matching(job.public_id[6:].upper())) == [job]
