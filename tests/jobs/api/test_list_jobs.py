from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Membership
from jobs.models import Attempt, Job, Pod, Queue, ResourcePool
from tests.api_client import ApiClient, details, error
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db
START = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)


def names(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [job["jobName"] for job in response.json()["data"]["jobs"]]


def total(response) -> int:
    return response.json()["data"]["totalCount"]


@pytest.fixture
def five(bob, queue) -> list[Job]:
    """a, b, c, d, e: an hour apart, in five statuses."""
    statuses = ("Succeeded", "Failed", "Running", "Pending", "Running")
    jobs = [submit(bob, jobName=name) for name in "abcde"]
    for number, (job, status) in enumerate(zip(jobs, statuses, strict=True)):
        Job.objects.filter(pk=job.pk).update(status=status, created_at=START + timedelta(hours=number))
    return jobs


def test_an_empty_body_is_fine(api, five):
    assert names(api.post("/api/jobs")) == ["e", "d", "c", "b", "a"]
    assert names(api.post("/api/jobs", {})) == ["e", "d", "c", "b", "a"]
    assert total(api.post("/api/jobs/")) == 5


def test_an_item_has_the_contracts_fields_first(api, five):
    item = api.post("/api/jobs").json()["data"]["jobs"][-1]
    assert list(item) == [
        "jobId", "jobName", "status", "createdAt", "statusReason", "resourcePoolId", "queue", "owner", "projectId",
        "priority", "replicas", "readyPods", "totalPods", "attempt", "startedAt", "finishedAt", "durationSeconds",
    ]  # fmt: skip
    assert item["createdAt"] == "2025-01-15T10:30:00Z"
    assert (item["owner"], item["projectId"], item["queue"]) == ("bob", "default", "default")


def test_it_counts_the_ready_pods_of_the_current_attempt(api, job):
    for number in (1, 2):
        attempt = Attempt.objects.create(job=job, number=number)
        Pod.objects.create(job=job, attempt=attempt, replica=0, name=f"p{number}-0", ready=True)
        Pod.objects.create(job=job, attempt=attempt, replica=1, name=f"p{number}-1", ready=number == 1)
    Job.objects.filter(pk=job.pk).update(attempt_number=2, replicas=2)
    item = api.post("/api/jobs").json()["data"]["jobs"][0]
    assert (item["readyPods"], item["totalPods"], item["attempt"]) == (1, 2, 2)


def test_durations_are_exact_numbers(api, job):
    Job.objects.filter(pk=job.pk).update(started_at=START, finished_at=START + timedelta(seconds=12.345))
    assert api.post("/api/jobs").json()["data"]["jobs"][0]["durationSeconds"] == 12.345


def test_pages_do_not_overlap_and_the_total_stays(api, five):
    pages = [api.post("/api/jobs", {"pageNumber": number, "pageSize": 2}) for number in (1, 2, 3, 4)]
    assert [names(page) for page in pages] == [["e", "d"], ["c", "b"], ["a"], []]
    assert {total(page) for page in pages} == {5}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": "Running"}, "ec"),
        ({"status": ["Running", "Failed"]}, "ecb"),
        ({"status": ["Running", "Failed", "Stopped"], "pageSize": 2}, "ec"),
        ({"status": ["Running", "Failed"], "order": "asc"}, "bce"),
        ({"status": "Queued"}, ""),
        ({"keyword": ""}, "edcba"),
        ({"owner": "bob"}, "edcba"),
        ({"owner": "alice"}, ""),
        ({"queue": "default"}, "edcba"),
        ({"queue": "none"}, ""),
        ({"resourcePoolId": "local"}, "edcba"),
        ({"projectId": "default"}, "edcba"),
        ({"projectId": "other"}, ""),
        ({"projectId": "none"}, ""),
        ({"createdAfter": "2025-01-15T12:30:00Z"}, "edc"),
        ({"createdAfter": "2025-01-15T20:30:00+08:00"}, "edc"),
        ({"createdBefore": "2025-01-15T12:30:00Z"}, "ba"),
        ({"createdAfter": "2025-01-15T11:00:00Z", "createdBefore": "2025-01-15T14:00:00Z"}, "dcb"),
        ({"order": "asc"}, "abcde"),
        ({"orderBy": "jobName"}, "edcba"),
        ({"orderBy": "jobName", "order": "asc"}, "abcde"),
        ({"orderBy": "createdAt", "order": "desc"}, "edcba"),
    ],
)
def test_it_filters_and_orders(api, five, body, expected):
    response = api.post("/api/jobs", body)
    assert "".join(names(response)) == expected
    if "pageSize" not in body:
        assert total(response) == len(expected)


def test_an_old_job_never_silently_vanishes(api, five):
    Job.objects.update(created_at=datetime(2001, 1, 1, tzinfo=UTC))
    assert total(api.post("/api/jobs")) == 5


def test_what_has_not_finished_comes_last_either_way(api, five):
    Job.objects.filter(name="a").update(finished_at=START)
    Job.objects.filter(name="b").update(finished_at=START + timedelta(hours=1))
    assert names(api.post("/api/jobs", {"orderBy": "finishedAt"}))[:2] == ["b", "a"]
    assert names(api.post("/api/jobs", {"orderBy": "finishedAt", "order": "asc"}))[:2] == ["a", "b"]


def test_priority_orders_high_first(api, queue):
    for priority in ("low", "high", "normal"):
        api.create(jobName=priority, priority=priority)
    assert names(api.post("/api/jobs", {"orderBy": "priority"})) == ["high", "normal", "low"]


@pytest.mark.parametrize(
    ("keyword", "found"),
    [
        ("resnet", ["ResNet 50%"]),
        ("RESNET", ["ResNet 50%"]),
        ("50%", ["ResNet 50%"]),
        ("%", ["ResNet 50%"]),
        ("_b", ["a_b"]),
        ("a_b", ["a_b"]),
        ("a\\b", []),
        ('"', []),
        ('"""', []),
        ("NOT *", []),
        ("训练", ["训练任务"]),
        ("练任务", ["训练任务"]),
    ],
)
def test_the_keyword_is_plain_text_within_the_name(api, keyword, found):
    for name in ("ResNet 50%", "a_b", "axb", "训练任务"):
        api.create(jobName=name)
    response = api.post("/api/jobs", {"keyword": keyword})
    assert names(response) == found
    assert total(response) == len(found)


def test_the_keyword_finds_by_id(api):
    job_id = api.create()
    api.create()
    for part in (job_id, job_id[6:].upper(), job_id[-6:]):
        assert [job["jobId"] for job in api.post("/api/jobs", {"keyword": part}).json()["data"]["jobs"]] == [job_id]


def test_labels_must_all_match(api):
    api.create(jobName="both", labels={"team": "a", "x.y/z": "1"})
    api.create(jobName="one", labels={"team": "a"})
    assert names(api.post("/api/jobs", {"labels": {"team": "a"}})) == ["one", "both"]
    assert names(api.post("/api/jobs", {"labels": {"team": "a", "x.y/z": "1"}})) == ["both"]
    assert names(api.post("/api/jobs", {"labels": {"team": "b"}})) == []


def test_filters_combine(api, five):
    body = {"status": "Running", "keyword": "default", "owner": "bob"}
    assert names(api.post("/api/jobs", body)) == []
    Job.objects.filter(name="c").update(name="default c")
    assert names(api.post("/api/jobs", body)) == ["default c"]


def test_several_projects_are_merged_in_order(bob, mallory, queue, other_project):
    Membership.objects.create(user=bob, project=other_project, role="viewer")
    for number in range(6):
        submit(bob if number % 2 else mallory, jobName=str(number), projectId="default" if number % 2 else "other")
    api = ApiClient(bob)
    assert names(api.post("/api/jobs", {"pageSize": 4})) == ["5", "4", "3", "2"]
    assert names(api.post("/api/jobs", {"pageSize": 4, "pageNumber": 2})) == ["1", "0"]
    assert names(api.post("/api/jobs", {"pageSize": 3, "status": ["Pending", "Running"]})) == ["5", "4", "3"]
    assert names(api.post("/api/jobs", {"projectId": "other", "order": "asc"})) == ["0", "2", "4"]
    assert names(api.post("/api/jobs", {"orderBy": "jobName", "order": "asc"})) == list("012345")


def test_a_superuser_sees_every_project(admin_user, bob, mallory, queue):
    submit(bob, jobName="b")
    submit(mallory, jobName="m")
    api = ApiClient(admin_user)
    assert names(api.post("/api/jobs")) == ["m", "b"]
    assert names(api.post("/api/jobs", {"status": "Pending"})) == ["m", "b"]
    assert names(api.post("/api/jobs", {"projectId": "other"})) == ["m"]


def test_deep_pages_of_several_projects_are_right(bob, mallory, queue, other_project, monkeypatch):
    """Beyond what is merged, one query answers: the same rows."""
    from jobs.api import paging

    monkeypatch.setattr(paging, "MERGED_ROWS", 2)
    test_several_projects_are_merged_in_order(bob, mallory, queue, other_project)


def test_a_deleted_job_is_gone_from_list_and_total(api, five):
    api.delete(f"/api/jobs/{five[0].public_id}")
    response = api.post("/api/jobs")
    assert names(response) == ["e", "d", "c", "b"]
    assert total(response) == 4


def test_pools_and_queues_filter(api, bob, pool):
    other = ResourcePool.objects.create(name="other-pool", kind=ResourcePool.LOCAL)
    Queue.objects.create(pool=other, name="night", is_default=True)
    submit(bob, jobName="here")
    submit(bob, jobName="there", resourcePoolId="other-pool", queue="night")
    assert names(api.post("/api/jobs", {"resourcePoolId": "other-pool"})) == ["there"]
    assert names(api.post("/api/jobs", {"queue": "default"})) == ["here"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"pageNumber": 0}, "pageNumber"),
        ({"pageNumber": "1"}, "pageNumber"),
        ({"pageNumber": 1.0}, "pageNumber"),
        ({"pageNumber": 10**19}, "pageNumber"),
        ({"pageSize": 0}, "pageSize"),
        ({"pageSize": 101}, "pageSize"),
        ({"status": "running"}, "status[0]"),
        ({"status": ""}, "status[0]"),
        ({"status": []}, "status"),
        ({"status": ["Running", "Gone"]}, "status[1]"),
        ({"status": {"a": 1}}, "status"),
        ({"keyword": 5}, "keyword"),
        ({"keyword": "x" * 129}, "keyword"),
        ({"orderBy": "id"}, "orderBy"),
        ({"orderBy": "owner__password"}, "orderBy"),
        ({"order": "down"}, "order"),
        ({"createdAfter": "yesterday"}, "createdAfter"),
        ({"createdAfter": "2025-01-15"}, "createdAfter"),
        ({"createdAfter": 1736937000}, "createdAfter"),
        ({"createdBefore": "2025-13-15T10:30:00Z"}, "createdBefore"),
        ({"labels": ["a"]}, "labels"),
        ({"labels": {"a'b": "c"}}, "labels.a'b"),
        ({"page": 1}, "page"),
        ({"deleted": True}, "deleted"),
    ],
)
def test_it_refuses_and_names(api, body, path):
    assert list(details(api.post("/api/jobs", body))) == [path]


def test_get_is_not_a_list(api):
    assert error(api.get("/api/jobs")) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("body", [{}, {"status": "Pending"}, {"projectId": "default"}])
def test_a_plain_page_costs_five_queries_however_long(api, bob, body, django_assert_max_num_queries):
    """User, projects (and the one named), counts, ids, rows."""
    for number in range(12):
        submit(bob, jobName=str(number))
    with django_assert_max_num_queries(6 if "projectId" in body else 5):
        assert len(names(api.post("/api/jobs", body))) == 10


def test_a_search_costs_five_queries(api, bob, django_assert_num_queries):
    """User, projects, count, ids, rows."""
    submit(bob, jobName="resnet")
    with django_assert_num_queries(5):
        names(api.post("/api/jobs", {"keyword": "resnet"}))
