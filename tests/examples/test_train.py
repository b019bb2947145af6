"""The training example, run for a few steps: it learns, it resumes, it ends in good order when told to."""

import json
import signal
from pathlib import Path

from tests.examples.runs import SECONDS, finish, start, values


def train(cwd: Path, steps: int, *more: str) -> str:
    return finish(start("train.py", "--steps", str(steps), "--every", "10", *more, cwd=cwd))


def test_the_loss_falls_and_the_accuracy_is_above_chance(tmp_path: Path) -> None:
    output = train(tmp_path, 80)
    losses = [float(loss) for loss in values(output, "loss")]
    assert len(losses) == 8
    assert losses[-1] < losses[0] / 2
    assert float(values(output, "acc")[-1]) > 0.5


def test_a_second_run_goes_on_from_the_checkpoint_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = train(tmp_path / "whole", 40)
    first, second = train(tmp_path, 20), train(tmp_path, 40)
    assert values(first, "step")[0] == "10"
    assert values(second, "step")[0] == "30"
    assert values(second, "checksum") == values(whole, "checksum")


def test_a_run_that_is_complete_trains_no_further(tmp_path: Path) -> None:
    first, again = train(tmp_path, 10), train(tmp_path, 10)
    assert values(again, "step") == []
    assert values(again, "checksum") == values(first, "checksum")


def test_it_refuses_a_checkpoint_of_another_seed(tmp_path: Path) -> None:
    train(tmp_path, 10)
    process = start("train.py", "--steps", "20", "--seed", "8", cwd=tmp_path)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "--seed 7" in output


def test_sigterm_writes_a_checkpoint_and_ends(tmp_path: Path) -> None:
    process = start("train.py", "--steps", "1000000", cwd=tmp_path)
    assert process.stdout
    assert "starting after step 0" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGTERM
    step = json.loads((tmp_path / "checkpoint.json").read_text())["step"]
    assert f"checkpoint written at step {step}" in output
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.json"]
