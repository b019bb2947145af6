import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.utils.translation import gettext_lazy

from jobs_platform.api.envelope import dump, failure, show_time, success


def test_data_and_message_are_absent_where_there_is_none():
    assert success() == {"success": True}
    assert success({"a": 1}) == {"success": True, "data": {"a": 1}}
    assert success(message=gettext_lazy("no such msgid")) == {"success": True, "message": "no such msgid"}
    assert list(success([], "m")) == ["success", "data", "message"]


def test_details_are_absent_where_there_are_none():
    assert "details" not in failure("CODE", "words")
    assert list(failure("CODE", "words", {"a": ["b"]})) == ["success", "code", "message", "details", "requestId"]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, None),
        (datetime(2025, 1, 15, 10, 30, 0, 999_999, tzinfo=UTC), "2025-01-15T10:30:00Z"),
        (datetime(2025, 1, 15, 10, 30, tzinfo=timezone(timedelta(hours=8))), "2025-01-15T02:30:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_times_are_utc_in_whole_seconds(moment, text):
    assert show_time(moment) == text


def test_text_that_is_not_unicode_is_answered_nevertheless():
    assert json.loads(dump({"a": "x\udcff训"})) == {"a": "x?训"}


def test_a_datetime_that_was_not_rendered_is_a_mistake():
    with pytest.raises(TypeError):
        dump({"at": datetime.now(UTC)})
