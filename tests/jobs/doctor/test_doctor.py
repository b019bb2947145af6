"""What the doctor finds, each fault with its remedy."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from jobs.doctor import database, examine, processes, registry, storage
from jobs.findings import Finding, Level
from jobs.models import Job, ResourcePool
from jobs.secrets import seal

pytestmark = pytest.mark.django_db
GIB = 1 << 30


def levels(found: Iterator[Finding]) -> list[Level]:
    return [finding.level for finding in found]


def only(found: Iterator[Finding]) -> Finding:
    (finding,) = found
    return finding


def test_a_sound_database_has_no_problem() -> None:
    assert set(levels(database.findings())) <= {Level.OK, Level.NOTE}


def test_a_missing_migration_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs' AND name = '0001_initial'")
    finding = database.schema()
    assert finding.level is Level.PROBLEM
    assert "jobs.0001_initial" in finding.text
    assert "migrate" in finding.fix


@pytest.mark.parametrize(("seconds", "level"), [(0.1, Level.OK), (2.0, Level.OK), (2.1, Level.PROBLEM)])
def test_clocks_may_differ_by_little(seconds: float, level: Level) -> None:
    assert database.clock(seconds).level is level


@pytest.mark.parametrize(("used", "level"), [(10, Level.OK), (80, Level.PROBLEM), (100, Level.PROBLEM)])
def test_connections_run_out_before_they_are_gone(used: int, level: Level) -> None:
    assert database.connections(used, 100).level is level


def test_redis_that_is_away_is_a_problem_with_its_remedy(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    finding = only(processes.redis())
    assert finding.level is Level.PROBLEM
    assert "REDIS_URL" in finding.fix


@pytest.mark.parametrize(("policy", "count"), [("noeviction", 0), ("allkeys-lru", 1)])
def test_redis_must_not_drop_what_it_was_given(policy: str, count: int) -> None:
    assert len(list(processes.policy(policy, "Redis"))) == count


@pytest.mark.parametrize(("length", "count"), [(0, 0), (100, 0), (101, 1)])
def test_a_long_queue_is_a_problem(length: int, count: int) -> None:
    assert len(list(processes.queue(length, "Redis"))) == count


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (50 * GIB, 100 * GIB, Level.OK),
        (10 * GIB, 100 * GIB, Level.NOTE),
        (4 * GIB, 100 * GIB, Level.PROBLEM),
        (GIB // 2, 2 * GIB, Level.PROBLEM),
    ],
)
def test_room_for_logs(free: int, total: int, level: Level) -> None:
    assert storage.space(Path("/logs"), free, total).level is level


def test_a_place_for_logs_that_is_not_there_yet_is_looked_for_above(settings: Any, tmp_path: Path) -> None:
    settings.LOG_DIR = tmp_path / "not" / "yet"
    assert str(tmp_path) in only(storage.disk()).text


def test_secrets_of_another_key_are_noticed(job: Job, settings: Any) -> None:
    Job.objects.filter(pk=job.pk).update(secret_envs=seal({"TOKEN": "x"}))
    assert only(registry.secrets()).level is Level.OK
    settings.SECRET_KEY = "another"
    finding = only(registry.secrets())
    assert finding.level is Level.PROBLEM
    assert "Restore" in finding.fix


def test_somebody_must_be_able_to_use_the_admin() -> None:
    User.objects.update(is_superuser=False)
    assert only(registry.accounts()).level is Level.PROBLEM
    User.objects.create_superuser("ops")
    assert only(registry.accounts()).level is Level.OK


def test_jobs_that_nobody_looks_at_are_counted(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(next_check_at=timezone.now() - timedelta(minutes=2))
    finding = only(registry.due())
    assert finding.level is Level.PROBLEM
    assert finding.text.startswith("1 ")


def test_a_pool_without_an_agent_is_a_problem(job: Job) -> None:
    ResourcePool.objects.update(agent_seen_at=None)
    assert Level.PROBLEM in levels(registry.pools())
    ResourcePool.objects.update(agent_seen_at=timezone.now())
    assert levels(registry.pools()) == [Level.OK]


def test_no_pool_at_all_is_a_problem() -> None:
    assert only(registry.pools()).fix.startswith("Add one")


def test_a_check_that_fails_does_not_hide_the_others() -> None:
    def fails() -> Iterator[Finding]:
        raise RuntimeError("first line\nsecond line")
        yield

    def works() -> Iterator[Finding]:
        yield Finding(Level.OK, "b", "fine")

    found = examine((("a", fails), ("b", works)))
    assert [finding.level for finding in found] == [Level.PROBLEM, Level.OK]
    assert found[0].text == "RuntimeError: first line"


def test_the_command_prints_remedies_and_fails(settings: Any, capsys: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    assert "→" in capsys.readouterr().out
