"""The tabs of a job's page: metrics, spec, audit."""

from accounts.models import User
from jobs.services import Origin, stop
from tests.jobs.dashboard.conftest import Browse, MakeJob


def test_a_tab_that_does_not_exist_is_the_overview(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob)
    text = browse(bob).get(f"/jobs/{job.public_id}?tab=nonsense").content.decode()
    assert f'<a href="/jobs/{job.public_id}" aria-current="page">Overview</a>' in text
    assert 'id="log"' in text


def test_charts_load_only_where_they_are_shown(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob)
    assert "uPlot" not in browse(bob).get(f"/jobs/{job.public_id}").content.decode()
    assert "uPlot" in browse(bob).get(f"/jobs/{job.public_id}?tab=metrics").content.decode()


def test_the_spec_is_shown_against_another_jobs(bob: User, browse: Browse, make_job: MakeJob) -> None:
    before = make_job(bob, "before", config={"labels": {"batch": "32"}})
    after = make_job(bob, "after", config={"labels": {"batch": "64"}})
    text = browse(bob).get(f"/jobs/{after.public_id}?tab=spec&against={before.public_id}").content.decode()
    assert '<span class="is-less">-     &quot;batch&quot;: &quot;32&quot;' in text
    assert '<span class="is-more">+     &quot;batch&quot;: &quot;64&quot;' in text


def test_equal_specs_are_said_to_be_equal(bob: User, browse: Browse, make_job: MakeJob) -> None:
    one, other = make_job(bob, "same"), make_job(bob, "same")
    text = browse(bob).get(f"/jobs/{one.public_id}?tab=spec&against={other.public_id}").content.decode()
    assert "The two specs are equal." in text


def test_a_job_that_is_not_there_is_said_to_be_so(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob)
    for query in ("tab=spec&against=no-such", "tab=metrics&with=no-such"):
        assert (
            "No job “no-such” that you may see." in browse(bob).get(f"/jobs/{job.public_id}?{query}").content.decode()
        )


def test_the_audit_says_who_asked_for_what(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob)
    stop(actor=bob, public_id=job.public_id, origin=Origin(address="192.0.2.7"))
    text = browse(bob).get(f"/jobs/{job.public_id}?tab=audit").content.decode()
    assert text.index("stopped the job") < text.index("submitted the job")
    assert "192.0.2.7" not in text
