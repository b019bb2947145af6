"""Who works on an attempt at the same time as somebody else waits, or says what can be seen."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.cluster.base import PodPhase
from jobs.cluster.errors import NotFound, Unavailable
from jobs.cluster.local import locks
from tests.jobs.cluster.worlds import LocalWorld, eventually, spec


def test_a_lock_is_held_until_its_file_is_closed(tmp_path: Path) -> None:
    with locks.mutex(tmp_path):
        assert locks.is_held(tmp_path)
        assert locks.take(tmp_path) is None
    assert not locks.is_held(tmp_path)


def test_who_waits_too_long_is_told_to_come_again(tmp_path: Path) -> None:
    with locks.mutex(tmp_path), pytest.raises(Unavailable), locks.mutex(tmp_path, patience_s=0.01):
        pass


def test_what_is_not_there_is_held_by_nobody(tmp_path: Path) -> None:
    assert not locks.is_held(tmp_path / "nothing")
    with pytest.raises(NotFound), locks.mutex(tmp_path / "nothing"):
        pass


def test_who_waits_for_what_is_then_removed_finds_it_gone(tmp_path: Path) -> None:
    directory = tmp_path / "attempt"
    directory.mkdir()

    def wait() -> str:
        try:
            with locks.mutex(directory):
                return "locked"
        except NotFound:
            return "gone"

    with ThreadPoolExecutor(1) as threads:
        with locks.mutex(directory):
            waiting = threads.submit(wait)
            eventually(lambda: waiting.running(), "the wait")
            shutil.rmtree(directory)
        assert waiting.result() == "gone"


def test_an_attempt_that_somebody_works_on_is_shown_as_its_files_have_it(local: LocalWorld) -> None:
    ref = local.running(spec("/bin/sh", "-c", "echo on; sleep 600"))
    with locks.mutex(local.pool / ref.name):
        assert local.seen(ref).pods[0].phase is PodPhase.RUNNING
        local.cluster.delete_attempt(ref, grace_seconds=5)
        local.over(ref)


def test_creating_waits_for_who_works_on_it_and_then_says_so(
    local: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = spec("true")
    ref = local.cluster.create_attempt(made)
    with locks.mutex(local.pool / ref.name):
        monkeypatch.setattr(locks, "PATIENCE_S", 0.01)
        with pytest.raises(Unavailable):
            local.cluster.create_attempt(made)
