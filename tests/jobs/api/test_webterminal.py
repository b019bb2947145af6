import json
import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, User
from jobs.models import AuditEntry, Job, Pod, ResourcePool, TerminalTicket
from jobs.terminal import tickets
from tests.api_client import ApiClient, details, error
from tests.jobs.terminal.pods import running_pod


@pytest.fixture
def pod(job: Job) -> Pod:
    return running_pod(job)


def path(pod: Pod, query: str = "") -> str:
    return f"/api/jobs/{pod.job.public_id}/pods/{pod.name}/webterminal{query}"


def test_it_answers_the_address_of_a_terminal(bob: User, pod: Pod) -> None:
    response = ApiClient(bob).get(path(pod), host="localhost:8080")
    assert response.status_code == 200
    body = json.loads(response.content)
    assert list(body) == ["success", "data"]
    assert list(body["data"]) == ["webTerminalUrl"]
    assert re.fullmatch(r"ws://localhost:8080/webterminal/[\w-]{43}", body["data"]["webTerminalUrl"])
    assert response["Cache-Control"] == "no-store"


def test_its_ticket_is_the_callers_for_this_pod(bob: User, pod: Pod) -> None:
    url = ApiClient(bob).get(path(pod)).json()["data"]["webTerminalUrl"]
    ticket = TerminalTicket.objects.get()
    assert ticket.digest == tickets.digest_of(url.rpartition("/")[2])
    assert (ticket.user, ticket.job, ticket.pod, ticket.pod_uid) == (bob, pod.job, pod, pod.uid)
    assert ticket.session_key.startswith("login:")
    entry = AuditEntry.objects.get(action="terminal.ticket")
    assert entry.request_id
    assert entry.address == "127.0.0.1"


def test_a_session_and_an_access_token_may_ask_too(bob: User, pod: Pod) -> None:
    browser = Client()
    browser.force_login(bob)
    assert browser.get(path(pod)).status_code == 200
    _token, secret = ApiToken.issue(user=bob, name="laptop")
    script = ApiClient()
    script.headers["authorization"] = f"Bearer {secret}"
    assert script.get(path(pod)).status_code == 200
    kinds = {key.partition(":")[0] for key in TerminalTicket.objects.values_list("session_key", flat=True)}
    assert kinds == {"session", "token"}


def test_the_public_address_is_the_one_to_answer(bob: User, pod: Pod, settings: Any) -> None:
    settings.PUBLIC_URL = "https://jobs.example/train"
    url = ApiClient(bob).get(path(pod)).json()["data"]["webTerminalUrl"]
    assert url.startswith("wss://jobs.example/train/webterminal/")


def test_the_window_s_size_goes_along(bob: User, pod: Pod) -> None:
    url = ApiClient(bob).get(path(pod, "?cols=120&rows=32")).json()["data"]["webTerminalUrl"]
    assert url.endswith("?cols=120&rows=32")


def test_a_size_that_makes_no_sense_is_refused(bob: User, pod: Pod) -> None:
    client = ApiClient(bob)
    for size in ("0", "1001", "-5", "x", "", "８０", "1e2", "9" * 5000):
        assert list(details(client.get(path(pod, f"?cols={size}")))) == ["cols"], size
    assert not TerminalTicket.objects.exists()


def test_an_admin_of_the_project_may_enter_a_member_s_job(alice: User, pod: Pod) -> None:
    assert ApiClient(alice).get(path(pod)).status_code == 200


def test_a_viewer_may_not(charlie: User, pod: Pod) -> None:
    assert error(ApiClient(charlie).get(path(pod))) == (403, "PERMISSION_DENIED")


def test_a_member_may_not_enter_somebody_else_s_job(bob: User, alice: User, pod: Pod) -> None:
    Job.objects.update(owner=alice)
    assert error(ApiClient(bob).get(path(pod))) == (403, "PERMISSION_DENIED")


def test_a_foreign_project_s_job_is_not_found(mallory: User, pod: Pod) -> None:
    assert error(ApiClient(mallory).get(path(pod))) == (404, "JOB_NOT_FOUND")


def test_nobody_is_asked_to_log_in(pod: Pod) -> None:
    assert error(ApiClient().get(path(pod))) == (401, "NOT_AUTHENTICATED")


def test_only_the_job_s_own_pods_are_found(bob: User, pod: Pod) -> None:
    job = pod.job
    for name in ("nothing", f"{job.public_id}-1-1", "job-0000000000000000-1-0", "..", "%00"):
        response = ApiClient(bob).get(f"/api/jobs/{job.public_id}/pods/{name}/webterminal")
        assert error(response) == (404, "POD_NOT_FOUND"), name


def test_a_pod_that_does_not_run_has_no_terminal(bob: User, pod: Pod) -> None:
    client = ApiClient(bob)
    for phase in ("Pending", "Succeeded", "Failed", "Unknown"):
        Pod.objects.update(phase=phase)
        assert error(client.get(path(pod))) == (409, "POD_NOT_RUNNING"), phase


def test_a_pool_that_is_switched_off_is_unavailable(bob: User, pod: Pod, settings: Any) -> None:
    settings.LOCAL_POOL_ENABLED = False
    assert error(ApiClient(bob).get(path(pod))) == (503, "POOL_UNAVAILABLE")
    settings.LOCAL_POOL_ENABLED = True
    ResourcePool.objects.update(kind=ResourcePool.KUBERNETES)
    assert error(ApiClient(bob).get(path(pod))) == (503, "POOL_UNAVAILABLE")
    assert not TerminalTicket.objects.exists()


def test_it_costs_few_queries(bob: User, pod: Pod, django_assert_max_num_queries: Any) -> None:
    client = ApiClient(bob)
    with django_assert_max_num_queries(12):
        assert client.get(path(pod)).status_code == 200
