"""manage.py check_log_storage."""

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs.logs.objects.bucket import Bucket
from jobs_platform.object_storage import ObjectStorage


def test_a_bucket_that_does_all_of_it(configured: ObjectStorage, bucket: Bucket) -> None:
    told = StringIO()
    call_command("check_log_storage", stdout=told)
    assert [line.split()[-1] for line in told.getvalue().splitlines()[1:]] == ["ok"] * 7
    assert list(bucket.keys("")) == []


@pytest.mark.parametrize("wrong", ["endpoint", "bucket"])
def test_the_first_step_that_fails_is_told(
    wrong: str, where: ObjectStorage, away: ObjectStorage, settings: Any
) -> None:
    settings.LOG_OBJECTS = away if wrong == "endpoint" else replace(where, bucket="no-such-bucket")
    told = StringIO()
    with pytest.raises(SystemExit):
        call_command("check_log_storage", stdout=told)
    _where, first = told.getvalue().splitlines()
    assert first.startswith("write ")
    assert not first.endswith("ok")
    assert "secret" not in told.getvalue()


def test_without_a_bucket_there_is_nothing_to_check(settings: Any) -> None:
    settings.LOG_OBJECTS = None
    with pytest.raises(CommandError, match="LOG_OBJECT_URL"):
        call_command("check_log_storage")
