import re

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from jobs import wording
from jobs.models import Event
from jobs.states import EndReason

JSON = st.dictionaries(st.text(max_size=10), st.text(max_size=20) | st.integers() | st.none(), max_size=5)


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_end_reason_has_a_sentence(reason):
    assert reason.value in wording.STATUS


@pytest.mark.parametrize("sentence", [*wording.STATUS.values(), *wording.EVENTS.values()])
def test_every_sentence_can_be_filled(sentence):
    with override("en"):
        names = re.findall(r"%\((\w+)\)s", str(sentence))
        assert wording.fill(sentence, dict.fromkeys(names, "x")).count("x") >= len(names)


def test_a_missing_parameter_shows_as_a_dash():
    with override("en"):
        assert "queue —" in wording.sentence_for("Waiting", {"variant": "queue"})


@given(st.sampled_from(sorted(wording.STATUS)), JSON)
def test_no_stored_parameters_break_a_sentence(reason, params):
    assert isinstance(wording.sentence_for(reason, params), str)


def test_an_end_is_told_by_its_reason():
    with override("en"):
        event = Event(reason="Failed", params={"ended": "TimedOut", "limit": 5})
        assert "time limit of 5 s" in wording.event_message(event)


def test_the_clusters_own_words_come_first():
    assert wording.event_message(Event(reason="Started", message="Started container main")) == "Started container main"


def test_a_detail_fits_into_the_sentence():
    with override("en"):
        params = {"pod": "p", "detail": "used 2 GiB, its limit is 1 GiB."}
        assert "was ended (used 2 GiB, its limit is 1 GiB). Ask" in wording.sentence_for("OutOfMemory", params)
        assert "was ended. Ask" in wording.sentence_for("OutOfMemory", {"pod": "p", "detail": ""})
