"""What printed lines say of a training."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.metrics.lines import CANDIDATE, LONGEST, MOST_VALUES, Reading, read

LINES: list[tuple[str, dict[str, Any]]] = [
    ("step=10 loss=0.31", {"values": {"loss": 0.31}, "step": 10}),
    ('{"step": 10, "loss": 0.31, "tag": "train"}', {"values": {"loss": 0.31}, "step": 10}),
    ('{"global_step": 5, "max_steps": 50, "eval/acc": 1}', {"values": {"eval/acc": 1.0}, "step": 5, "steps": 50}),
    ("epoch 3/10 ... acc: 0.92", {"values": {"acc": 0.92}, "epoch": 3.0, "epochs": 10}),
    (
        "epoch 3/10 - train loss: 0.31 - acc: 0.92",
        {"values": {"train_loss": 0.31, "acc": 0.92}, "epoch": 3.0, "epochs": 10},
    ),
    (
        "{'loss': 0.31, 'learning_rate': 5e-05, 'epoch': 1.5}",
        {"values": {"loss": 0.31, "learning_rate": 5e-05}, "epoch": 1.5},
    ),
    (
        "Epoch: [0][ 10/5005]\tTime 0.3 (0.4)\tLoss 6.9 (7.0)\tAcc@1 0.1 (0.2)",
        {"values": {"loss": 6.9, "acc@1": 0.1}, "epoch": 0.0, "step": 10, "steps": 5005},
    ),
    (
        "Epoch [3/10], Step [100/500], Loss: 0.12",
        {"values": {"loss": 0.12}, "epoch": 3.0, "epochs": 10, "step": 100, "steps": 500},
    ),
    (
        "100/100 [====] - 1s 5ms/step - loss: 0.31 - accuracy: 0.92",
        {"values": {"loss": 0.31, "accuracy": 0.92}, "step": 100, "steps": 100, "bar": True},
    ),
    (
        "Training:  45%|████▌     | 450/1000 [00:10<00:12, 43.2it/s, loss=0.31]",
        {"values": {"loss": 0.31}, "step": 450, "steps": 1000, "bar": True},
    ),
    ("45%|███  | 450/1000 [00:10<?, ?it/s]", {"values": {}, "step": 450, "steps": 1000, "bar": True}),
    ("iter 100: loss 2.3, time 30.1ms", {"values": {"loss": 2.3}, "step": 100}),
    ("\x1b[32mstep 7\x1b[0m lr=1e-3", {"values": {"lr": 0.001}, "step": 7}),
    ("2025-01-15 10:30:00,123 INFO step: 5, Val Loss: 0.5", {"values": {"val_loss": 0.5}, "step": 5}),
    ("loss: tensor(0.31, grad_fn=<NllLossBackward0>)", {"values": {"loss": 0.31}}),
    ("step 4 of 20", {"values": {}, "step": 4, "steps": 20}),
]
SILENT = [
    "",
    "listening on host:8080",
    "Error at step 5",
    "downloading 3/10",
    "10:30:05 ready",
    "loss function: cross entropy",
    '{"message": "no numbers"}',
    "[1, 2, 3]",
    '{"step": 3}',
    '{"loss": "high"}',
    "x" * 20_000 + " step=1 loss=2",
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_line_of_a_training_is_read(line: str, expected: dict[str, Any]) -> None:
    assert read(line) == Reading(**expected)


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_the_quick_search_lets_it_through(line: str, expected: dict[str, Any]) -> None:
    assert CANDIDATE.search(line.encode())


@pytest.mark.parametrize("line", SILENT)
def test_other_lines_say_nothing(line: str) -> None:
    assert read(line) is None


def test_a_loss_that_is_no_number_is_read_as_such() -> None:
    found = read("step=3 loss=nan grad_norm=inf")
    assert found is not None
    assert math.isnan(found.values["loss"])
    assert found.values["grad_norm"] == math.inf


@given(st.text() | st.text(alphabet='stepochlos={}[]:"/0123456789. ,e-%|<'))
@example('{"step": 1e999, "loss": -1e999}')
@example('{"step": ' + "9" * 400 + ', "loss": ' + "9" * 400 + "}")
@example("step=" + "9" * 400 + " loss=1")
@example("[" * 10_000)
@example("{" + '"a":{' * 5000 + "}")
@example('{"\\ud800": 1, "loss": 2}')
def test_no_line_is_too_strange(line: str) -> None:
    found = read(line)
    if found is not None:
        assert len(found.values) <= MOST_VALUES or line.lstrip().startswith("{")
        assert found.step is None or 0 <= found.step < 10**15
        assert all(isinstance(value, float) and name.isprintable() for name, value in found.values.items())


@pytest.mark.parametrize(
    "piece", ["1", "a ", "=1", "step ", "epoch", "a=", "[ ", "1/1 [", ": ", "val ", "1.", "e", "nan "]
)
def test_a_long_line_of_one_piece_is_read_in_reasonable_time(piece: str) -> None:
    for line in (piece * (LONGEST // len(piece)), f"step=1 loss {piece * 8000}"[:LONGEST]):
        read(line)
        CANDIDATE.search(piece.encode() * 100_000)


@given(
    step=st.integers(0, 10**12),
    loss=st.floats(allow_nan=False, allow_infinity=False),
    form=st.sampled_from(["step={} loss={!r}", "Step: {}, Loss: {!r}", '{{"step": {}, "loss": {!r}}}']),
)
def test_what_was_printed_is_what_is_read(step: int, loss: float, form: str) -> None:
    found = read(form.format(step, loss))
    assert found == Reading(values={"loss": loss}, step=step)
