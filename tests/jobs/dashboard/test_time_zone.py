"""Times on the pages are those of the reader's zone."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.dashboard import times
from jobs.models import Job
from tests.jobs.dashboard.conftest import Browse, MakeJob

MOMENT = datetime(2025, 1, 15, 22, 30, tzinfo=UTC)


@pytest.fixture
def job(bob: User, make_job: MakeJob) -> Job:
    return make_job(bob, created_at=MOMENT)


def shown(browse: Browse, user: User, job: Job, **cookies: str) -> str:
    client = browse(user)
    for name, value in cookies.items():
        client.cookies[name] = value
    return client.get(f"/jobs/{job.public_id}").content.decode()


def test_without_any_word_it_is_utc(bob: User, job: Job, browse: Browse) -> None:
    page = shown(browse, bob, job)
    assert "2025-01-15 22:30:00 UTC" in page
    assert 'data-time-zone="UTC"' in page


def test_the_browsers_zone_counts_until_one_is_chosen(bob: User, job: Job, browse: Browse) -> None:
    assert "2025-01-16 06:30:00 UTC+8" in shown(browse, bob, job, timezone="Asia/Shanghai")
    browse(bob).post("/account/timezone", {"timezone": "America/St_Johns"})
    page = shown(browse, bob, job, timezone="Asia/Shanghai")
    assert "2025-01-15 19:00:00 UTC-3:30" in page
    assert 'data-time-zone="America/St_Johns"' in page


@pytest.mark.parametrize("name", ["Nowhere/City", "../../etc/passwd", "x" * 5000, "Asia/Shanghai\0"])
def test_a_zone_that_is_none_is_passed_over(name: str, bob: User, job: Job, browse: Browse) -> None:
    assert "22:30:00 UTC" in shown(browse, bob, job, timezone=name)
    browse(bob).post("/account/timezone", {"timezone": name})
    bob.refresh_from_db()
    assert bob.timezone == ""


def test_the_zone_ends_with_the_page(bob: User, job: Job, browse: Browse) -> None:
    shown(browse, bob, job, timezone="Asia/Tokyo")
    assert timezone.get_current_timezone_name() == "UTC"


def test_dates_are_the_zones_too() -> None:
    with timezone.override("Asia/Tokyo"):
        assert times.day(MOMENT) == "2025-01-16"
        assert times.ago(MOMENT, datetime(2025, 6, 1, tzinfo=UTC)) == "2025-01-16"
