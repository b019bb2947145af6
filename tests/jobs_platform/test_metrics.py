"""What /metrics tells, as Prometheus reads it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Project, User
from jobs import gauges
from jobs.models import Queue, ResourcePool
from jobs.states import JobStatus
from jobs_platform import metrics
from jobs_platform.metrics import BOUNDS, Durations, Family, Sample
from tests.admin_site import make_job


def told(client: Client) -> dict[tuple[str, ...], float]:
    """By name and labels' values."""
    return read(client.get("/metrics").content.decode())


def read(text: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_jobs_and_waits_are_told(client: Client, project: Project, bob: User, queue: Queue, pool: ResourcePool) -> None:
    now = timezone.now()
    make_job(project, bob, queue, name="a", status=JobStatus.QUEUED.value, created_at=now - timedelta(seconds=90))
    make_job(project, bob, queue, name="b", status=JobStatus.QUEUED.value)
    late = now - timedelta(seconds=30)
    make_job(project, bob, queue, name="c", status=JobStatus.RUNNING.value, next_check_at=late)
    found = told(client)
    assert found["jobs_platform_jobs", "Queued"] == 2
    assert found["jobs_platform_jobs", "Failed"] == 0
    assert found["jobs_platform_pool_waiting_jobs", "local"] == 2
    assert found["jobs_platform_pool_oldest_waiting_seconds", "local"] >= 90
    assert found["jobs_platform_pool_due_lag_seconds", "local"] >= 30
    assert found["jobs_platform_database_up",] == 1


def test_nobody_waits_is_a_number_too(client: Client, pool: ResourcePool) -> None:
    found = told(client)
    assert found["jobs_platform_pool_waiting_jobs", "local"] == 0
    assert found["jobs_platform_pool_due_jobs", "local"] == 0
    assert found["jobs_platform_terminals_open",] >= 0


def test_a_database_that_does_not_answer_shows(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def away(_now: object) -> None:
        raise OperationalError

    monkeypatch.setattr(gauges, "families", away)
    found = told(client)
    assert found["jobs_platform_database_up",] == 0
    assert ("jobs_platform_jobs", "Queued") not in found


def test_they_cost_the_same_however_many_jobs(
    client: Client, project: Project, bob: User, queue: Queue, django_assert_max_num_queries: object
) -> None:
    for number in range(10):
        make_job(project, bob, queue, name=f"job {number}", status=JobStatus.QUEUED.value)
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        client.get("/metrics")


@given(st.lists(st.floats(0, 100), max_size=30))
def test_a_histogram_counts_each_in_every_bucket_it_fits(seconds: list[float]) -> None:
    durations = Durations()
    for one in seconds:
        durations.add(one)
    found = read(metrics.render([Family("x_seconds", "x", "histogram", list(metrics.histogram(durations, {})))]))
    for bound in BOUNDS:
        assert found["jobs_platform_x_seconds_bucket", f"{bound:g}"] == sum(one <= bound for one in seconds)
    assert found["jobs_platform_x_seconds_bucket", "+Inf"] == len(seconds) == found["jobs_platform_x_seconds_count",]
    assert found["jobs_platform_x_seconds_sum",] == pytest.approx(sum(seconds))


@given(
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=20),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)
def test_any_label_is_read_back_as_it_was(value: str, number: float) -> None:
    text = metrics.render([Family("x", "x", "gauge", [Sample(number, {"label": value})])])
    if "\r" not in value and not set(value) & set("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):  # lines to the reader
        assert read(text)["jobs_platform_x", value] == pytest.approx(number)


def test_a_made_up_method_makes_no_row() -> None:
    metrics.count_request("BREW", 405, 0.1)
    metrics.count_request("BREW-MORE", 405, 0.1)
    methods = {
        one.labels["method"]
        for one in (sample for family in metrics.own() for sample in family.samples)
        if "method" in one.labels
    }
    assert methods <= metrics.METHODS | {"other"}
