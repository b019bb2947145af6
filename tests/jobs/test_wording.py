import re
from itertools import chain

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from jobs import wording
from jobs.models import Event
from jobs.states import EndReason, JobStatus

VALUES = st.text(max_size=20) | st.integers() | st.none() | st.lists(st.text(max_size=5), max_size=3)
NAMES = st.sampled_from(["detail", "lines", "variant", "ended", "ahead", "limit", "pods"])
JSON = st.dictionaries(st.text(max_size=10) | NAMES, VALUES)
ALL = {**wording.STATUS, **{f"event {reason}": words for reason, words in wording.EVENTS.items()}}


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_end_reason_has_a_sentence_and_a_word(reason):
    assert reason.value in wording.STATUS
    assert reason.value in wording.END_REASONS


@pytest.mark.parametrize("words", ALL.values(), ids=ALL)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_sentence_can_be_filled(words, language):
    with override(language):
        for sentence in [words.summary, *words.details, words.remedy]:
            names = re.findall(r"%\((\w+)\)s", str(sentence))
            assert wording.fill(sentence, dict.fromkeys(names, "x")).count("x") >= len(names)


@pytest.mark.parametrize("reason", wording.STATUS)
def test_every_trouble_says_what_happened_and_of_which_kind_it_is(reason):
    with override("en"):
        told = wording.explanation(reason.partition(".")[0], {"variant": reason.partition(".")[2]})
    assert told.summary.endswith(".")
    unhurt = {"Running", "Completed", "StopRequested", "StoppedByUser"}
    assert (reason in unhurt) == (told.category == "")


def test_a_missing_parameter_shows_as_a_dash():
    with override("en"):
        assert "queue —" in wording.sentence_for("Waiting", {"variant": "queue"})


@pytest.mark.parametrize(
    ("language", "ahead", "said"),
    [
        ("en", 1, "behind 1 job that came first or has"),
        ("en", 2, "behind 2 jobs that came first or have"),
        ("en", "—", "behind — jobs that"),
        ("zh-hans", 1, "前面还有 1 个先提交"),
        ("zh-hans", 2, "前面还有 2 个先提交"),
    ],
)
def test_one_is_not_several(language, ahead, said):
    with override(language):
        assert said in wording.sentence_for("Waiting", {"variant": "behind", "ahead": ahead})


@given(st.sampled_from(sorted(wording.STATUS)), JSON)
def test_no_stored_parameters_break_a_sentence(reason, params):
    assert isinstance(wording.sentence_for(reason, params), str)


@given(st.sampled_from([*wording.EVENTS, "Other"]), JSON)
def test_no_stored_parameters_break_an_event(reason, params):
    assert isinstance(wording.event_message(Event(reason=reason, params=params)), str)


def test_an_end_is_told_by_its_reason():
    with override("en"):
        event = Event(reason="Failed", params={"ended": "TimedOut", "limit": 5})
        assert "time limit of 5 s" in wording.event_message(event)


def test_the_clusters_own_words_come_first():
    assert wording.event_message(Event(reason="Started", message="Started container main")) == "Started container main"


def test_an_explanation_has_what_happened_why_and_what_to_do():
    with override("en"):
        told = wording.explanation("OutOfMemory", {"pod": "p", "memoryLimit": "1 GiB", "detail": "used 2 GiB."})
    assert told == wording.Explanation(
        category="memory",
        summary="Pod p used more memory than its limit and was ended.",
        detail="Its limit is 1 GiB. The cluster's own words: “used 2 GiB”.",
        remedy="Ask for more memory, or make the batch smaller.",
    )
    assert told.text == f"{told.summary} {told.detail} {told.remedy}"


def test_a_sentence_without_its_parameter_is_left_out():
    with override("en"):
        assert wording.explanation("OutOfMemory", {"pod": "p", "detail": ""}).detail == ""


def test_the_clusters_words_are_marked_in_chinese_and_stand_apart():
    with override("zh-hans"):
        params = {"variant": "notFound", "image": "nginx:nope", "detail": "docker.io/nginx:nope: not found"}
        text = wording.sentence_for("ImageUnavailable", params)
    assert text == (
        "镜像仓库中不存在该镜像。镜像为 nginx:nope。集群原文：“docker.io/nginx:nope: not found”。"
        "请检查镜像的名称和标签。"
    )


@pytest.mark.parametrize("words", wording.STATUS.values(), ids=wording.STATUS)
def test_foreign_words_stand_in_no_sentence_of_ours(words):
    sentences = map(str, chain([words.summary], words.details, [words.remedy]))
    foreign = f"%({words.quote})s"
    assert not words.quote or not any(foreign in sentence for sentence in sentences)


def test_the_end_of_a_log_is_quoted():
    with override("en"):
        params = {"pod": "p", "exitCode": 1, "lines": ["raise X", "RuntimeError: boom"]}
        told = wording.explanation("CommandFailed", params)
    assert told.detail == "The log ends with: “raise X ⏎ RuntimeError: boom”."


def test_a_reason_inside_a_sentence_is_in_the_readers_language():
    with override("zh-hans"):
        assert wording.sentence_for("Ending", {"ended": "OutOfMemory"}) == "正在结束：内存不足；其余 Pod 正在停止。"


def test_a_refusal_reads_the_same_while_it_may_pass_and_when_the_job_was_given_up_for_it():
    params = {"variant": "secret", "name": "registry"}
    assert wording.explanation("ConfigError", params) == wording.explanation("Rejected", params)


@pytest.mark.parametrize(
    ("status", "reason", "trouble"),
    [
        ("Pending", "Submitted", True),
        ("Queued", "Waiting", True),
        ("Starting", "Unschedulable", True),
        ("Running", "Running", False),
        ("Running", "PoolUnavailable", True),
        ("Failed", "CommandFailed", True),
        ("Stopped", "StoppedByUser", False),
        ("Succeeded", "Completed", False),
    ],
)
def test_what_waits_struggles_or_failed_is_in_trouble(status, reason, trouble):
    assert wording.is_trouble(JobStatus(status), wording.explanation(reason, {})) == trouble
