"""One job's page."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from jobs.dashboard.detail import EVENTS_SHOWN, PODS_SHOWN
from jobs.events import platform_event
from jobs.models import Attempt, Event, Job, Pod
from tests.jobs.dashboard.conftest import Browse, MakeJob


def page(browse: Browse, user: User, job: Job, query: str = "") -> str:
    return browse(user).get(f"/jobs/{job.public_id}{query}").content.decode()


def test_it_says_the_status_why_and_what_to_do(bob: User, browse: Browse, make_job: MakeJob) -> None:
    params = {"pod": "pod-1", "detail": "its limit is 2 GiB"}
    job = make_job(bob, pods=1, status="Failed", status_reason="OutOfMemory", status_params=params)
    text = page(browse, bob, job)
    assert ">Failed<" in text
    assert "<bdi>Pod pod-1 used more memory than its limit and was ended.</bdi>" in text
    assert "own words: “its limit is 2 GiB”.</bdi>" in text
    assert "<bdi>Ask for more memory, or make the batch smaller.</bdi>" in text
    assert "Final" in text


def test_it_says_when_the_job_was_last_observed(bob: User, browse: Browse, running: Job) -> None:
    assert "Last observed" in page(browse, bob, running)
    Job.objects.filter(pk=running.pk).update(observed_at=timezone.now() - timedelta(minutes=10))
    text = page(browse, bob, running)
    assert "10 min ago" in text
    assert "its true status may be a different one" in text


def test_it_lists_pods_with_exit_codes_by_attempt(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob, pods=2, status="Running", attempt_number=2)
    first = Attempt.objects.get(job=job)
    Attempt.objects.filter(pk=first.pk).update(end_reason="CommandFailed")
    Pod.objects.filter(attempt=first).update(phase="Failed", exit_code=137, ready=False)
    second = Attempt.objects.create(job=job, number=2)
    Pod.objects.create(job=job, attempt=second, replica=0, name=f"{job.public_id}-2-0", phase="Running", ready=True)
    text = page(browse, bob, job)
    table = text.split('id="pods"')[1]
    assert table.index("Attempt 2") < table.index("Attempt 1 · command failed")
    assert text.count('<td class="num">137</td>') == 2
    assert f'data-pod="{job.public_id}-2-0"' in text
    assert "1/2" in text  # pods ready, of the current attempt


def test_the_log_of_the_pod_in_the_address_is_shown(bob: User, browse: Browse, running: Job) -> None:
    assert f'data-pod="{running.public_id}-1-1"' in page(browse, bob, running, f"?pod={running.public_id}-1-1")
    assert f'data-pod="{running.public_id}-1-0"' in page(browse, bob, running, "?pod=nonsense")


def test_only_a_running_pod_offers_a_terminal(bob: User, browse: Browse, running: Job, make_job: MakeJob) -> None:
    assert f"/jobs/{running.public_id}/pods/{running.public_id}-1-0/terminal" in page(browse, bob, running)
    over = make_job(bob, "over", pods=1, status="Failed")
    assert "/terminal" not in page(browse, bob, over)


def test_events_come_newest_first_and_the_rest_on_request(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob)
    start = timezone.now()
    Event.objects.bulk_create(
        platform_event(job_pk=job.pk, reason=f"Reason{n:03}", at=start + timedelta(seconds=n))
        for n in range(EVENTS_SHOWN)
    )
    text = page(browse, bob, job, "?tab=events")
    assert text.index("Reason099") < text.index("Reason098")
    assert "Show 1 older event<" in text
    assert "Submitted by bob" not in text
    assert "Submitted by bob" in page(browse, bob, job, "?tab=events&events=all")


def test_only_warnings_are_shown_on_request(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob)
    at = timezone.now()
    Event.objects.bulk_create(
        platform_event(job_pk=job.pk, reason=f"Warned{n:03}", warning=True, at=at) for n in range(EVENTS_SHOWN + 1)
    )
    text = page(browse, bob, job, "?tab=events&type=warning")
    assert "Submitted by bob" not in text
    assert f"Warnings {EVENTS_SHOWN + 1}" in text
    assert f"All {EVENTS_SHOWN + 2}" in text
    assert "Show 1 older event<" in text
    assert "Warned000" in page(browse, bob, job, "?tab=events&type=warning&events=all")


def test_a_job_without_warnings_says_so(bob: User, browse: Browse, make_job: MakeJob) -> None:
    assert "No warnings." in page(browse, bob, make_job(bob), "?tab=events&type=warning")


def test_the_config_hides_secrets(alice: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(alice, config={"envs": [{"name": "TOKEN", "secret": True}]})
    text = page(browse, alice, job, "?tab=spec")
    assert "TOKEN" in text
    assert "&quot;value&quot;" not in text


def test_a_job_without_pods_says_so(bob: User, browse: Browse, make_job: MakeJob) -> None:
    text = page(browse, bob, make_job(bob))
    assert "No attempt yet" in text
    assert "No log yet" in text


def test_refreshes_end_when_the_job_is_final(bob: User, browse: Browse, running: Job, make_job: MakeJob) -> None:
    assert "data-live" in page(browse, bob, running)
    assert "data-live" not in page(browse, bob, make_job(bob, status="Succeeded"))


def test_of_very_many_pods_those_that_failed_are_listed(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob, pods=60, status="Running")
    Pod.objects.filter(job=job, replica=59).update(phase="Failed")
    table = page(browse, bob, job).split('id="pods"')[1]
    assert table.count("<tr id=") == PODS_SHOWN
    assert f'<tr id="{job.public_id}-1-59"' in table
    assert "Show 10 more pods" in table
    assert page(browse, bob, job, "?pods=all").split('id="pods"')[1].count("<tr id=") == 60


def test_a_terminal_is_framed_by_our_own_pages_alone_and_only_where_it_is_docked(
    bob: User, browse: Browse, running: Job
) -> None:
    path = f"/jobs/{running.public_id}/pods/{running.public_id}-1-0/terminal"
    whole, docked = browse(bob).get(path), browse(bob).get(f"{path}?docked=1")
    assert "frame-ancestors 'none'" in whole["Content-Security-Policy"]
    assert whole["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'self'" in docked["Content-Security-Policy"]
    assert docked["X-Frame-Options"] == "SAMEORIGIN"
