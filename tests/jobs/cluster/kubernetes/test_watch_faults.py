"""The watch against a server that does what real ones do: it goes on by itself, ends no pod that lives, and never lists
more than once in `list_apart` (which watching() checks at the end of every test)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from jobs.cluster.base import PodPhase
from jobs.cluster.kubernetes.pace import Timing
from tests.jobs.cluster.kubernetes.watching import BRISK, KUBECONFIG, create, watching
from tests.kube import ApiServer, manifests
from tests.kube.timing import Timing as ServerTiming


def warnings(caplog: pytest.LogCaptureFixture, text: str) -> list[str]:
    return [line for line in caplog.messages if text in line]


async def test_what_happens_on_the_cluster_is_told(server: ApiServer, tmp_path: Path) -> None:
    async with watching(server, tmp_path) as watch:
        await watch.begun()
        job_id = create(server)
        running = await watch.told(job_id, PodPhase.RUNNING)
        assert running.pod and running.pod.ref.uid and running.pod.node
        server.finish_pods(exit_code=3)
        ended = await watch.told(job_id, PodPhase.FAILED)
        assert ended.pod and ended.pod.exit_code == 3
        server.delete_job(f"{job_id}-1")
        last = await watch.told(job_id, PodPhase.FAILED, gone=True)
        assert last.pod and last.pod.exit_code == 3
        await watch.until(lambda: any(hint.notice for hint in watch.hints if hint.job_id == job_id))


async def test_what_is_there_is_told_at_the_beginning(server: ApiServer, tmp_path: Path) -> None:
    job_id = create(server)
    async with watching(server, tmp_path) as watch:
        await watch.told(job_id, PodPhase.RUNNING)
        assert watch.streams.watched_at() is not None
        assert not [hint for hint in watch.hints if hint.pod is None and hint.notice is None], "a Job that merely runs"


async def test_a_write_that_changes_no_state_is_no_news(server: ApiServer, tmp_path: Path) -> None:
    def annotate(obj: dict[str, Any]) -> None:
        obj["metadata"].setdefault("annotations", {})["note"] = "x"

    async with watching(server, tmp_path) as watch:
        first = create(server)
        await watch.told(first, PodPhase.RUNNING)
        (pod,) = server.list("pods")
        before = len(watch.hints)
        server.change("pods", pod["metadata"]["name"], annotate)
        server.change("jobs", f"{first}-1", annotate)
        second = create(server)
        await watch.told(second, PodPhase.RUNNING)
        assert not [hint for hint in watch.hints[before:] if hint.job_id == first and hint.notice is None]


@pytest.mark.parametrize("by_event", [True, False])
async def test_a_version_that_is_always_too_old_costs_few_lists_and_no_pod(
    by_event: bool, server: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = create(server)
    async with watching(server, tmp_path) as watch:
        await watch.told(job_id, PodPhase.RUNNING)
        if by_event:
            server.faults.watch_gone(resource="pods")
        else:
            server.faults.answer(410, verb="watch", resource="pods", reason="Expired")
        server.close_connections()
        await watch.retried("pods", 2, verb="list")
        server.faults.clear()
        server.finish_pods(exit_code=0)
        await watch.told(job_id, PodPhase.SUCCEEDED)
        assert watch.gone() == []
    assert len(warnings(caplog, "pods of pool.yaml does not work")) <= 2, "a cut connection, then the old version"
    assert len(warnings(caplog, "It is listed anew")) == 1


async def test_a_watch_that_ends_every_moment_costs_no_list(
    server: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(server, tmp_path) as watch:
        await watch.begun()
        server.faults.watch_eof(0.05)
        await watch.retried("pods", 6)
        job_id = create(server)
        await watch.told(job_id, PodPhase.RUNNING)
        assert watch.lists("pods") == 1
    assert len(warnings(caplog, "pods of pool.yaml does not work: the watch is ended at once")) == 1


async def test_silence_is_noticed_and_ends(server: ApiServer, tmp_path: Path) -> None:
    async with watching(server, tmp_path) as watch:
        await watch.begun()
        server.faults.silence()
        job_id = create(server)
        await watch.retried("pods", 2)
        before = watch.streams.watched_at()
        await watch.retried("pods", 1)
        assert watch.streams.watched_at() == before, "nobody was heard"
        server.faults.clear()
        await watch.told(job_id, PodPhase.RUNNING)
        await watch.until(lambda: watch.streams.watched_at() != before)
        assert watch.lists("pods") <= 2


@pytest.mark.parametrize("status", [500, 504, 429])
async def test_errors_end_nothing_and_cost_no_list(status: int, server: ApiServer, tmp_path: Path) -> None:
    job_id = create(server)
    async with watching(server, tmp_path) as watch:
        await watch.told(job_id, PodPhase.RUNNING)
        server.faults.answer(status)
        server.close_connections()
        await watch.retried("pods", 3)
        server.faults.clear()
        server.finish_pods(exit_code=0)
        await watch.told(job_id, PodPhase.SUCCEEDED)
        assert watch.gone() == []


async def test_a_server_that_is_down_at_first_is_found_when_it_comes(server: ApiServer, tmp_path: Path) -> None:
    server.kubeconfig(tmp_path / KUBECONFIG)
    server.stop_listening()
    async with watching(server, tmp_path) as watch:
        pace = watch.streams.paces[1]
        await watch.until(lambda: pace.misses >= 3)
        assert watch.streams.watched_at() is None
        server.listen()
        job_id = create(server)
        await watch.told(job_id, PodPhase.RUNNING)


async def test_a_server_that_was_away_goes_on_where_it_was(
    server: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(server, tmp_path, Timing(**{**as_dict(BRISK), "pause_most": 0.05})) as watch:
        await watch.begun()
        job_id = create(server)
        await watch.told(job_id, PodPhase.RUNNING)
        server.stop_listening()
        server.finish_pods(exit_code=7)
        pace = watch.streams.paces[1]
        await watch.until(lambda: pace.misses >= 8)
        server.listen()
        ended = await watch.told(job_id, PodPhase.FAILED)
        assert watch.lists("pods") == 1
        assert ended.pod and ended.pod.exit_code == 7
        await watch.until(lambda: warnings(caplog, "The watch of pods of pool.yaml works again"))


def as_dict(timing: Timing) -> dict[str, float]:
    return {name: getattr(timing, name) for name in Timing.__slots__}


async def test_what_vanished_while_nobody_could_look_is_gone_with_its_last_state(
    server: ApiServer, tmp_path: Path
) -> None:
    job_id = create(server)
    async with watching(server, tmp_path) as watch:
        await watch.told(job_id, PodPhase.RUNNING)
        server.finish_pods(exit_code=3)
        await watch.told(job_id, PodPhase.FAILED)
        server.stop_listening()
        server.delete_job(f"{job_id}-1")
        other = create(server)
        await watch.until(lambda: not server.list("pods", {"jobs-platform/job-id": job_id}))
        server.expire_history()
        server.listen()
        last = await watch.told(job_id, PodPhase.FAILED, gone=True)
        assert last.pod and last.pod.exit_code == 3
        await watch.told(other, PodPhase.RUNNING)


async def test_a_list_without_items_takes_nothing_away(server: ApiServer, tmp_path: Path) -> None:
    job_id = create(server)
    async with watching(server, tmp_path) as watch:
        await watch.told(job_id, PodPhase.RUNNING)
        server.faults.lists_without_items()
        server.expire_history()
        server.faults.watch_gone(count=1, resource="pods")
        server.close_connections()
        await watch.retried("pods", 2, verb="list")
        server.faults.clear()
        server.finish_pods(exit_code=0)
        await watch.told(job_id, PodPhase.SUCCEEDED)
        assert watch.gone() == []


async def test_a_relist_comes_by_itself_and_tells_nothing_that_is_known(server: ApiServer, tmp_path: Path) -> None:
    timing = Timing(**{**as_dict(BRISK), "relist": 1.0, "watch": 1.0})
    job_id = create(server)
    async with watching(server, tmp_path, timing) as watch:
        await watch.told(job_id, PodPhase.RUNNING)
        await watch.retried("pods", 2, verb="list")
        assert len([hint for hint in watch.hints if hint.pod]) == 1


async def test_events_that_are_forbidden_leave_the_rest_in_sight(
    server: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = server.add_token(denied=[("list", "events"), ("watch", "events")])
    server.kubeconfig(tmp_path / KUBECONFIG, token=token)
    async with watching(server, tmp_path) as watch:
        job_id = create(server)
        await watch.told(job_id, PodPhase.RUNNING)
        await watch.retried("events", 2, verb="list")
        assert watch.streams.watched_at() is not None
        assert not any(hint.notice for hint in watch.hints)
    (said,) = warnings(caplog, "The watch of events")
    assert 'cannot list resource "events"' in said


async def test_versions_come_from_bookmarks_too(tmp_path: Path) -> None:
    with ApiServer(simulate=True, timing=ServerTiming(bookmark=0.1)) as server:
        async with watching(server, tmp_path, Timing(**{**as_dict(BRISK), "watch": 1.0})) as watch:
            await watch.begun()
            for number in range(20):
                server.create("configmaps", manifests.config_map(f"other-{number}"))
            version = int(server.list("configmaps")[-1]["metadata"]["resourceVersion"])
            asked = server.requests.all

            def caught_up() -> bool:
                watches = asked(verb="watch", resource="pods")
                return any(int(one.query["resourceVersion"]) >= version for one in watches)

            await watch.until(caught_up)


async def test_an_object_that_cannot_be_read_hides_no_other(
    server: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(obj: dict[str, Any]) -> None:
        obj["status"]["containerStatuses"] = "none"

    first = create(server)
    async with watching(server, tmp_path) as watch:
        await watch.told(first, PodPhase.RUNNING)
        (pod,) = server.list("pods")
        server.change("pods", pod["metadata"]["name"], spoil)
        second = create(server)
        await watch.told(second, PodPhase.RUNNING)
        assert watch.lists("pods") == 1
        assert len(warnings(caplog, "cannot be read, and is passed over")) == 1
        server.faults.watch_gone(count=1, resource="pods")
        server.close_connections()
        await watch.until(lambda: watch.lists("pods") == 2)
        third = create(server)
        await watch.told(third, PodPhase.RUNNING)
        assert watch.gone() == [], "it is there, whatever it is"


async def test_a_list_steps_over_what_a_watch_cannot_take(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.cluster.kubernetes.watch.LARGEST_LINE", 400)
    async with watching(server, tmp_path) as watch:
        await watch.begun()
        job_id = create(server)
        await watch.told(job_id, PodPhase.RUNNING)
        assert watch.lists("pods") > 1


async def test_many_are_listed_in_pages(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.cluster.kubernetes.watch.PAGE", 3)
    jobs = [create(server) for _number in range(8)]
    async with asyncio.timeout(20):
        while len(server.list("pods")) < 8:
            await asyncio.sleep(0.01)
    async with watching(server, tmp_path) as watch:
        for job_id in jobs:
            await watch.told(job_id, PodPhase.RUNNING)
        assert len(server.requests.all(verb="list", resource="pods")) == 3


async def test_a_pool_without_its_kubeconfig_is_watched_once_it_is_there(server: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / KUBECONFIG
    path.write_text("")
    job_id = create(server)
    async with watching(server, tmp_path) as watch:
        pace = watch.streams.paces[1]
        await watch.until(lambda: pace.misses >= 3)
        server.kubeconfig(path)
        await watch.told(job_id, PodPhase.RUNNING)
