"""Jobs beside one another."""

import json
import re

from accounts.models import User
from jobs.models import Job
from tests.jobs.dashboard.conftest import Browse, MakeJob


def compared(browse: Browse, user: User, *jobs: Job | str, query: str = "") -> str:
    ids = ",".join(job if isinstance(job, str) else job.public_id for job in jobs)
    return browse(user).get(f"/jobs/compare?ids={ids}{query}").content.decode()


def chart_jobs(text: str) -> list[dict[str, object]]:
    found = re.search(r'<script id="chart-jobs" type="application/json">(.*?)</script>', text)
    assert found
    shown: list[dict[str, object]] = json.loads(found[1])
    return shown


def test_only_settings_that_differ_are_listed(bob: User, browse: Browse, make_job: MakeJob) -> None:
    one = make_job(bob, "one", config={"envs": [{"name": "LR", "value": "0.1"}, {"name": "SEED", "value": "7"}]})
    other = make_job(bob, "other", config={"envs": [{"name": "SEED", "value": "7"}, {"name": "LR", "value": "0.3"}]})
    text = compared(browse, bob, one, other)
    assert "envs.LR.value" in text
    assert "envs.SEED.value" not in text
    assert "envs.SEED.value" in compared(browse, bob, one, other, query="&all=1")


def test_a_job_has_one_colour_on_every_page(bob: User, browse: Browse, make_job: MakeJob) -> None:
    one, other = make_job(bob, "one"), make_job(bob, "other")
    both = {job["id"]: job["colour"] for job in chart_jobs(compared(browse, bob, other, one))}
    alone = chart_jobs(browse(bob).get(f"/jobs/{one.public_id}?tab=metrics").content.decode())
    assert alone == [{"id": one.public_id, "name": "one", "colour": both[one.public_id], "running": True}]
    assert both[one.public_id] != both[other.public_id]


def test_a_job_of_another_project_is_as_if_it_were_not_there(
    bob: User, mallory: User, browse: Browse, make_job: MakeJob
) -> None:
    job = make_job(bob, "secret plan")
    text = compared(browse, mallory, job)
    assert "secret plan" not in text
    assert f"No job “{job.public_id}” that you may see." in text
    assert "secret plan" not in compared(browse, mallory, "secret plan").replace("“secret plan”", "")


def test_a_name_means_the_newest_job_of_that_name(bob: User, browse: Browse, make_job: MakeJob) -> None:
    make_job(bob, "resnet")
    newest = make_job(bob, "resnet")
    make_job(bob, "resnet 2")
    assert [job["id"] for job in chart_jobs(compared(browse, bob, "resnet"))] == [newest.public_id]


def test_at_most_eight_are_compared_each_once(bob: User, browse: Browse, make_job: MakeJob) -> None:
    jobs = [make_job(bob, f"job {number}") for number in range(9)]
    text = compared(browse, bob, jobs[0], *jobs)
    assert [job["id"] for job in chart_jobs(text)] == [job.public_id for job in jobs[:8]]
    assert "Eight jobs are compared" in text


def test_without_jobs_it_says_what_to_do(bob: User, browse: Browse) -> None:
    text = browse(bob).get("/jobs/compare").content.decode()
    assert "Name two jobs or more" in text
    assert "charts/page.js" not in text
