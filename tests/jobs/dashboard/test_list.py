"""The job list."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs.dashboard.listing import PAGE_SIZE
from jobs.models import Job, Queue, ResourcePool
from tests.jobs.dashboard.conftest import Browse, MakeJob


def names(response: Any) -> list[str]:
    return re.findall(r'<a class="clip"[^>]*title="([^"]*)"', response.content.decode())


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_it_shows_the_newest_first(bob: User, browse: Browse, make_job: MakeJob) -> None:
    for number in range(3):
        make_job(bob, f"job {number}")
    assert names(browse(bob).get("/")) == ["job 2", "job 1", "job 0"]


def test_every_filter_narrows_and_all_of_them_together(
    alice: User, bob: User, browse: Browse, make_job: MakeJob, pool: ResourcePool
) -> None:
    night = Queue.objects.create(pool=pool, name="night")
    other = ResourcePool.objects.create(name="far", kind="kubernetes")
    far = Queue.objects.create(pool=other, name="default")
    make_job(bob, "alpha", status="Running")
    make_job(bob, "beta", queue=night)
    make_job(alice, "gamma")
    make_job(bob, "delta", pool=other, queue=far)
    client = browse(bob)
    assert names(client.get("/?keyword=ALPH")) == ["alpha"]
    assert names(client.get("/?status=Running")) == ["alpha"]
    assert names(client.get("/?queue=night")) == ["beta"]
    assert names(client.get("/?owner=alice")) == ["gamma"]
    assert names(client.get("/?pool=far")) == ["delta"]
    assert names(client.get("/?pool=local&owner=bob&queue=default&status=Running&keyword=a")) == ["alpha"]
    assert names(client.get("/?pool=far&owner=alice")) == []


@pytest.mark.parametrize("keyword", ["%", "_", '"', "\\", "' OR 1=1 --", "a\0b", "*", "NEAR(", "日本"])
def test_a_keyword_is_plain_text(keyword: str, bob: User, browse: Browse, make_job: MakeJob) -> None:
    make_job(bob, f"x{keyword}y".replace("\0", ""))
    make_job(bob, "nothing like it")
    response = browse(bob).get("/", {"keyword": keyword})
    assert response.status_code == 200
    assert len(names(response)) == 1


@pytest.mark.parametrize(
    "query",
    ["status=running", "status=Nonsense", "page=0", "page=-1", "page=abc", "page=²", "page=99999999999999999999"],
)
def test_a_value_that_means_nothing_is_dropped(query: str, bob: User, browse: Browse, make_job: MakeJob) -> None:
    make_job(bob, "still here")
    assert names(browse(bob).get(f"/?{query}")) == ["still here"]


def test_pages_carry_the_exact_total_and_keep_the_filters(bob: User, browse: Browse, make_job: MakeJob) -> None:
    for number in range(PAGE_SIZE + 2):
        make_job(bob, f"job {number:02}")
    client = browse(bob)
    first, second = text(client, "/?owner=bob"), text(client, "/?owner=bob&page=2")
    assert f"1–{PAGE_SIZE} of {PAGE_SIZE + 2}" in first
    assert 'href="/?owner=bob&amp;page=2"' in first
    assert f"{PAGE_SIZE + 1}–{PAGE_SIZE + 2} of {PAGE_SIZE + 2}" in second
    assert 'rel="prev" href="/?owner=bob"' in second


def test_a_page_beyond_the_end_says_so(bob: User, browse: Browse, make_job: MakeJob) -> None:
    make_job(bob)
    assert "No job matches" in text(browse(bob), "/?page=7")


def test_the_total_is_the_readers_own(alice: User, bob: User, mallory: User, browse: Browse, make_job: MakeJob) -> None:
    make_job(bob, "one")
    make_job(alice, "two")
    make_job(mallory, "theirs")
    assert "1–2 of 2" in text(browse(bob), "/")
    assert names(browse(mallory).get("/")) == ["theirs"]


def test_a_waiting_job_says_why_in_its_row(bob: User, browse: Browse, make_job: MakeJob) -> None:
    params = {"variant": "gpu", "free": 2, "total": 8, "asked": 4}
    make_job(bob, status="Queued", status_reason="Waiting", status_params=params)
    assert "the pool has 2 of 8 GPUs free, the job asks for 4" in text(browse(bob), "/")


def test_times_are_relative_with_the_exact_one_on_hover(bob: User, browse: Browse, make_job: MakeJob) -> None:
    created = timezone.now() - timedelta(minutes=3, seconds=5)
    make_job(bob, created_at=created)
    assert f'title="{created:%Y-%m-%d %H:%M:%S} UTC">3 min ago</time>' in text(browse(bob), "/")


@pytest.mark.parametrize("status", ["Starting", "Running", "Stopping"])
def test_a_job_not_seen_on_its_cluster_lately_is_stale(
    status: str, bob: User, browse: Browse, make_job: MakeJob
) -> None:
    now = timezone.now()
    seen = make_job(bob, "seen", status=status, observed_at=now - timedelta(seconds=40))
    assert ">stale<" not in text(browse(bob), "/")
    Job.objects.filter(pk=seen.pk).update(observed_at=now - timedelta(seconds=50))
    assert ">stale<" in text(browse(bob), "/")


def test_a_watched_job_is_as_fresh_as_its_pools_watch(
    bob: User, pool: ResourcePool, browse: Browse, make_job: MakeJob
) -> None:
    now = timezone.now()
    soon = now + timedelta(minutes=1)
    job = make_job(bob, status="Running", observed_at=now - timedelta(seconds=100), next_check_at=soon)
    ResourcePool.objects.filter(pk=pool.pk).update(watched_at=now - timedelta(seconds=20))
    assert ">stale<" not in text(browse(bob), "/")
    Job.objects.filter(pk=job.pk).update(next_check_at=now - timedelta(seconds=50))
    assert ">stale<" in text(browse(bob), "/"), "news came 50 seconds ago, and nobody looked"
    Job.objects.filter(pk=job.pk).update(next_check_at=soon)
    ResourcePool.objects.filter(pk=pool.pk).update(watched_at=now - timedelta(seconds=50))
    assert ">stale<" in text(browse(bob), "/"), "the watch is blind"


def test_a_job_nobody_looked_at_when_it_was_due_is_stale(bob: User, browse: Browse, make_job: MakeJob) -> None:
    now = timezone.now()
    job = make_job(bob, next_check_at=now - timedelta(seconds=5))
    assert ">stale<" not in text(browse(bob), "/")
    Job.objects.filter(pk=job.pk).update(next_check_at=now - timedelta(minutes=1))
    assert ">stale<" in text(browse(bob), "/")


def test_a_queued_job_is_stale_when_nobody_watches_its_pool(
    bob: User, pool: ResourcePool, browse: Browse, make_job: MakeJob
) -> None:
    now = timezone.now()
    make_job(bob, status="Queued", next_check_at=None, created_at=now - timedelta(hours=1))
    ResourcePool.objects.filter(pk=pool.pk).update(agent_seen_at=now)
    assert ">stale<" not in text(browse(bob), "/")
    ResourcePool.objects.filter(pk=pool.pk).update(agent_seen_at=now - timedelta(minutes=1))
    assert ">stale<" in text(browse(bob), "/")


@pytest.mark.parametrize("status", ["Stopped", "Succeeded", "Failed"])
def test_a_final_job_is_never_stale(status: str, bob: User, browse: Browse, make_job: MakeJob) -> None:
    old = timezone.now() - timedelta(days=9)
    make_job(bob, "done", status=status, observed_at=old, finished_at=old, created_at=old, next_check_at=old)
    assert ">stale<" not in text(browse(bob), "/")


def test_the_first_visit_teaches(bob: User, browse: Browse, queue: Queue) -> None:
    page = text(browse(bob), "/")
    assert "curl http://testserver/api/jobs/create" in page
    assert 'href="/jobs/new"' in page


def test_the_first_visit_of_a_viewer_says_whom_to_ask(charlie: User, browse: Browse) -> None:
    page = text(browse(charlie), "/")
    assert "curl" not in page
    assert "Ask an admin" in page


def test_held_rows_stay_in_place_and_the_others_are_counted(bob: User, browse: Browse, make_job: MakeJob) -> None:
    old, older = make_job(bob, "old"), make_job(bob, "older")
    make_job(bob, "new")
    Job.objects.filter(pk=old.pk).update(status="Running")
    response = browse(bob).get("/jobs/rows", {"held": f"{old.public_id},{older.public_id}"})
    assert names(response) == ["old", "older"]
    assert "1 new: show it" in response.content.decode()
    assert ">Running<" in response.content.decode()


def test_a_held_row_leaves_when_it_is_deleted(bob: User, browse: Browse, make_job: MakeJob) -> None:
    kept, gone = make_job(bob, "kept"), make_job(bob, "gone")
    Job.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    response = browse(bob).get("/jobs/rows", {"held": f"{gone.public_id},{kept.public_id}"})
    assert names(response) == ["kept"]


def test_held_rows_of_others_are_not_shown(bob: User, mallory: User, browse: Browse, make_job: MakeJob) -> None:
    secret = make_job(mallory, "not yours")
    response = browse(bob).get("/jobs/rows", {"held": secret.public_id})
    assert "not yours" not in response.content.decode()
