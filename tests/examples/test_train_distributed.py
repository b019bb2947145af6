"""Two replicas over sockets: the same weights at both, close to those of one process; they stop together."""

import signal
from pathlib import Path

from tests.examples.runs import SECONDS, finish, start_ranks, values


def test_both_ranks_end_with_the_same_weights(tmp_path: Path) -> None:
    outputs = [finish(rank) for rank in start_ranks("--steps", "40", "--every", "10", cwd=tmp_path)]
    checksums = [values(output, "checksum") for output in outputs]
    assert len(checksums[0]) == 1
    assert checksums[0] == checksums[1]
    losses = [float(loss) for loss in values(outputs[0], "loss")]
    assert losses[-1] < losses[0]


def test_they_resume_from_the_checkpoint_of_rank_0(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = [finish(rank) for rank in start_ranks("--steps", "20", cwd=tmp_path / "whole")]
    for rank in start_ranks("--steps", "10", cwd=tmp_path):
        finish(rank)
    resumed = [finish(rank) for rank in start_ranks("--steps", "20", cwd=tmp_path)]
    assert all("starting after step 10 of 20" in output for output in resumed)
    assert values(resumed[1], "checksum") == values(whole[0], "checksum")


def test_a_stop_of_one_rank_stops_both_after_the_same_step(tmp_path: Path) -> None:
    ranks = start_ranks("--steps", "1000000", cwd=tmp_path)
    assert ranks[1].stdout
    ranks[1].stdout.readline()
    ranks[1].send_signal(signal.SIGTERM)
    outputs = [rank.communicate(timeout=SECONDS)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [143, 143]
    assert len({output.split("told to stop after step ")[1] for output in outputs}) == 1


def test_a_rank_whose_peer_dies_ends_too(tmp_path: Path) -> None:
    ranks = start_ranks("--steps", "1000000", cwd=tmp_path)
    assert ranks[0].stdout
    ranks[0].stdout.readline()
    ranks[1].kill()
    ranks[1].communicate(timeout=SECONDS)
    output, _ = ranks[0].communicate(timeout=SECONDS)
    assert ranks[0].returncode == 1
    assert "ConnectionError" in output or "ConnectionResetError" in output or "BrokenPipeError" in output
