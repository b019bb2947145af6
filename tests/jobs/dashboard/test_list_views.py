"""What the list remembers and does with several jobs: chips, columns, saved views, bulk actions, losses."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from jobs.dashboard.losses import HEIGHT, WIDTH, path
from jobs.logs.filesystem import configured_store
from jobs.logs.store import LogKey
from jobs.models import AuditEntry, Job, SavedView
from tests.jobs.dashboard.conftest import Browse, MakeJob


@pytest.fixture
def client(bob: User, browse: Browse) -> Client:
    return browse(bob)


def shown(client: Client, path: str = "/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


class TestChips:
    def test_each_filter_that_is_on_can_be_taken_off_by_itself(self, client: Client) -> None:
        text = shown(client, "/?keyword=digits&status=Failed&page=3")
        assert 'href="/?status=Failed" aria-label="Remove the filter Name or id: digits"' in text
        assert 'href="/?keyword=digits" aria-label="Remove the filter Status: Failed"' in text

    def test_without_filters_there_are_none(self, client: Client) -> None:
        assert "Remove the filter" not in shown(client)


class TestColumns:
    def test_those_that_were_hidden_stay_hidden(self, client: Client, running: Job) -> None:
        client.cookies["columns"] = "owner.pods.nonsense"
        assert 'class="table hide-owner hide-pods"' in shown(client)


class TestSavedViews:
    def test_a_view_is_saved_shown_replaced_and_forgotten(self, client: Client, bob: User) -> None:
        for status in ("Failed", "Running"):
            client.post("/views", {"name": " mine ", "params": f"?status={status}&other=1"})
        view = SavedView.objects.get()
        assert (view.user, view.name, view.params) == (bob, "mine", "?status=Running")
        assert '<a href="/?status=Running" aria-current="page"><bdi>mine</bdi></a>' in shown(client, view.params)
        client.post(f"/views/{view.pk}/drop")
        assert not SavedView.objects.exists()

    def test_it_needs_a_name(self, client: Client) -> None:
        response = client.post("/views", {"name": " ", "params": "?status=Failed"}, follow=True)
        assert "Give the view a name." in response.content.decode()

    def test_nobody_forgets_another_s(self, client: Client, charlie: User) -> None:
        view = SavedView.objects.create(user=charlie, name="theirs", params="")
        client.post(f"/views/{view.pk}/drop")
        assert SavedView.objects.exists()
        assert "theirs" not in shown(client)


class TestBulk:
    def test_each_job_is_stopped_and_audited(self, client: Client, bob: User, make_job: MakeJob) -> None:
        jobs = [make_job(bob, f"job {number}", status="Running") for number in range(3)]
        answer = client.post("/jobs/bulk", {"action": "stop", "job": [job.public_id for job in jobs]})
        assert answer.json() == {"done": 3, "refused": []}
        assert set(Job.objects.values_list("status", flat=True)) == {"Stopping"}
        assert AuditEntry.objects.filter(action="job.stop").count() == 3

    def test_what_is_refused_is_named_and_stops_nothing_else(
        self, client: Client, bob: User, mallory: User, make_job: MakeJob
    ) -> None:
        theirs, ended, mine = make_job(mallory), make_job(bob, status="Failed"), make_job(bob, status="Running")
        ids = [theirs.public_id, ended.public_id, mine.public_id]
        answer = client.post("/jobs/bulk", {"action": "stop", "job": ids}).json()
        assert answer["done"] == 1
        assert [text.split(":")[0] for text in answer["refused"]] == ids[:2]

    def test_deleted_jobs_are_gone(self, client: Client, bob: User, make_job: MakeJob) -> None:
        job = make_job(bob, status="Failed")
        client.post("/jobs/bulk", {"action": "delete", "job": [job.public_id]})
        assert job.public_id not in shown(client)

    @pytest.mark.parametrize("data", [{"action": "other", "job": ["job-1"]}, {"action": "stop"}])
    def test_what_means_nothing_is_an_error(self, client: Client, data: dict[str, Any]) -> None:
        assert client.post("/jobs/bulk", data).status_code == 400


class TestLosses:
    def test_a_job_that_prints_its_loss_has_a_line(
        self, client: Client, running: Job, mallory: User, make_job: MakeJob, settings: Any, tmp_path: Path
    ) -> None:
        settings.LOG_DIR = tmp_path
        theirs = make_job(mallory, pods=1, status="Running")
        for job in (running, theirs):
            with closing(configured_store().writer(LogKey(job.public_id, 1, 0))) as writer:
                for step in range(100):
                    writer.append(b"step=%d loss=%.3f val_loss=9\n" % (step, 1 / (step + 1)), step + 1)
        found = client.get(f"/jobs/losses?ids={running.public_id},{theirs.public_id},nonsense").json()
        assert list(found) == [running.public_id]
        assert (found[running.public_id]["name"], found[running.public_id]["last"]) == ("loss", "0.01")

    def test_one_that_prints_none_has_none(self, client: Client, running: Job) -> None:
        assert client.get(f"/jobs/losses?ids={running.public_id}").json() == {}

    @given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=100))
    def test_a_line_stays_in_its_box(self, values: list[float]) -> None:
        points = [point.split() for point in path(values)[1:].split("L")]
        assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)
