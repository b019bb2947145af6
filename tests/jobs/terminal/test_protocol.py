import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.terminal import protocol
from jobs.terminal.protocol import Ack, Credit, Ending, Fault, Ping, Refused, Resize, Stdin, parse_binary, parse_text

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
OPERATIONS = st.sampled_from(["stdin", "resize", "ack", "ping", "exit", "ready", "STDIN", ""])
NEARLY_RIGHT = st.fixed_dictionaries(
    {"operation": OPERATIONS},
    optional={"data": ANY_JSON, "cols": ANY_JSON, "rows": ANY_JSON, "bytes": ANY_JSON, "extra": ANY_JSON},
)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ('{"operation":"stdin","data":"ls\\n"}', Stdin(b"ls\n")),
        ('{"operation":"stdin","data":"训"}', Stdin("训".encode())),
        ('{"operation":"resize","cols":120,"rows":32}', Resize(120, 32)),
        ('{"operation":"ack","bytes":0}', Ack(0)),
        ('{"operation":"ping"}', Ping()),
    ],
)
def test_it_reads_what_the_documentation_shows(frame: str, expected: object) -> None:
    assert parse_text(frame) == expected


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "ls",
        "[]",
        "null",
        '"stdin"',
        '{"operation":"reboot"}',
        '{"operation":["stdin"]}',
        '{"operation":"stdin"}',
        '{"operation":"stdin","data":7}',
        '{"operation":"stdin","data":"\\ud800"}',
        '{"operation":"stdin","data":"x","echo":true}',
        '{"operation":"resize","cols":0,"rows":24}',
        '{"operation":"resize","cols":-1,"rows":24}',
        '{"operation":"resize","cols":1001,"rows":24}',
        '{"operation":"resize","cols":80.0,"rows":24}',
        '{"operation":"resize","cols":true,"rows":24}',
        '{"operation":"resize","cols":"80","rows":24}',
        '{"operation":"ack","bytes":-1}',
        '{"operation":"ack","bytes":1e3}',
        '{"operation":"ack","bytes":NaN}',
        '{"operation":"ack","bytes":' + "9" * 5000 + "}",
        "[" * 60_000,
    ],
)
def test_it_refuses_what_it_does_not_know(frame: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_text(frame)
    assert refused.value.fault is Fault.BAD_MESSAGE


def test_it_refuses_frames_over_64_kib() -> None:
    assert parse_binary(b"x" * 65_536) == Stdin(b"x" * 65_536)
    for call in (lambda: parse_binary(b"x" * 65_537), lambda: parse_text("x" * 65_537)):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.fault is Fault.FRAME_TOO_LARGE


@given(st.text() | ANY_JSON.map(json.dumps) | NEARLY_RIGHT.map(json.dumps))
def test_any_frame_is_either_understood_or_refused(frame: str) -> None:
    try:
        message = parse_text(frame)
    except Refused:
        return
    match message:
        case Resize(cols, rows):
            assert 1 <= cols <= 1000
            assert 1 <= rows <= 1000
        case Ack(count):
            assert count >= 0
        case Stdin(data):
            assert json.loads(frame)["data"].encode() == data


def test_a_message_is_json_with_its_operation_first() -> None:
    text = protocol.dump(protocol.Exit(code=7, reason=Ending.EXITED, message="结束"))
    assert text == '{"operation": "exit", "code": 7, "reason": "exited", "message": "结束", "sessionOpen": false}'


def test_every_ending_has_a_close_code_that_may_be_sent() -> None:
    for ending in Ending:
        assert ending.close_code in {1000, 1011, 1012} or 4000 <= ending.close_code <= 4999


def test_credit_is_endless_until_the_first_acknowledgement() -> None:
    credit = Credit(window=100)
    credit.sent(1_000_000)
    assert not credit.is_spent
    credit.acknowledge(0)
    assert credit.is_spent
    credit.acknowledge(999_901)
    assert not credit.is_spent


@given(st.lists(st.tuples(st.sampled_from(["sent", "ack"]), st.integers(0, 1000))))
def test_credit_never_counts_below_zero(steps: list[tuple[str, int]]) -> None:
    credit, sent, acknowledged = Credit(window=500), 0, 0
    for step, count in steps:
        if step == "sent":
            credit.sent(count)
            sent += count
            continue
        try:
            credit.acknowledge(count)
            acknowledged += count
        except Refused:
            assert count > sent - acknowledged
    assert credit.outstanding == sent - acknowledged >= 0
