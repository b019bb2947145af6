"""How far, how quickly, and until when."""

import pytest

from jobs.metrics.lines import read
from jobs.metrics.progress import Progress, advance


def after(*lines: str, seconds: float = 10.0) -> Progress | None:
    progress = None
    for number, line in enumerate(lines):
        reading = read(line)
        assert reading is not None, line
        progress = advance(progress, reading, 1000 + number * seconds)
    return progress


def test_steps_of_a_known_number_tell_rate_and_remaining_time() -> None:
    progress = after("step 100/1000 loss=1", "step 200/1000 loss=1")
    assert progress is not None
    assert progress.fraction == pytest.approx(0.2)
    assert progress.steps_per_second == pytest.approx(10)
    assert progress.remaining_seconds == pytest.approx(80)


@pytest.mark.parametrize(
    ("lines", "fraction"),
    [
        (["epoch 3/10 loss=1"], 0.3),
        (["Epoch [3/10], Step [250/500], Loss: 0.1"], 0.25),
        (["epoch 0/10 loss=1", "epoch 3/10 loss=1"], 0.4),
        (["Epoch 2/4 loss=1", "50/100 [==>...] - loss: 0.3"], 0.375),
        (["epoch 10/10 loss=1"], 1.0),
        (["step 30/20 loss=1"], 1.0),
    ],
)
def test_epochs_and_steps_within_them_make_one_fraction(lines: list[str], fraction: float) -> None:
    progress = after(*lines)
    assert progress is not None
    assert progress.fraction == pytest.approx(fraction)


def test_without_a_total_there_is_no_progress() -> None:
    assert after("step=10 loss=0.3", "epoch 2 loss=0.2") is None


def test_a_second_bar_starts_its_own_run() -> None:
    bar = "{}%|##| {}/100 [00:10<00:10, 5.0it/s]"
    progress = after(bar.format(90, 90), bar.format(10, 10), bar.format(20, 20))
    assert progress is not None
    assert progress.fraction == pytest.approx(0.2)
    assert progress.remaining_seconds == pytest.approx(80)


def test_a_line_without_a_total_leaves_what_is_known() -> None:
    known = after("step 5/10 loss=1")
    assert after("step 5/10 loss=1", "val loss: 0.5") == known


def test_a_total_that_was_told_once_holds_for_the_steps_after_it() -> None:
    progress = after("step 0 of 2000", "step=500 loss=0.5", "step=1500 loss=0.4")
    assert progress is not None
    assert (progress.step, progress.steps) == (1500, 2000)
    assert progress.fraction == pytest.approx(0.75)
    assert progress.remaining_seconds == pytest.approx(500 / 75)


def test_the_length_of_a_bar_is_not_the_number_of_steps() -> None:
    bar = "100%|##| 20/20 [00:10<00:00, 5.0it/s]"
    progress = after(bar, "step=10 loss=0.4")
    assert progress is not None
    assert (progress.fraction, progress.steps) == (1.0, 20)


def test_steps_without_a_total_say_nothing_where_there_are_epochs() -> None:
    known = after("Epoch [1/4], Step [250/500], Loss: 0.1")
    assert after("Epoch [1/4], Step [250/500], Loss: 0.1", "step=900 loss=0.1") == known
