"""Reading on in a log gives the same however it is cut up, and stays within bounds."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.store import LogKey, PodLog
from jobs.metrics.scan import BLOCK, MOST_SERIES, State, read_on

KEY = LogKey("job-0123456789abcdef", 1, 0)
LINES = st.sampled_from(
    ["step=1 loss=0.5\n", "step=2 loss=0.25\r\n", "10%|# | 1/10 [00:01<00:09]\r", "nothing\n", "\n", "损失 epoch 1/4\n"]
)


@contextmanager
def opened(root: Path) -> Iterator[PodLog]:
    with closing(FilesystemLogStore(root).open(KEY)) as log:
        yield log


def write(root: Path, *pieces: bytes, seal: bool = False) -> None:
    with closing(FilesystemLogStore(root).writer(KEY)) as writer:
        for number, piece in enumerate(pieces):
            writer.append(piece, 10**18 + number * 10**9)
        if seal:
            writer.seal(10**18 + 10**12)


def read_whole(root: Path, budget: int = 1 << 30) -> State:
    state = State()
    with opened(root) as log:
        while not read_on(state, log, budget):
            continue
    return state


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    write(tmp_path, b"step=1 loss=0.5\nstep=2 lo")
    state = State()
    with opened(tmp_path) as log:
        assert read_on(state, log, 1 << 20)
    assert [point.step for point in state.series["loss"].points] == [1]
    write(tmp_path, b"ss=0.25\n")
    with opened(tmp_path) as log:
        assert read_on(state, log, 1 << 20)
    assert [(point.step, point.mean) for point in state.series["loss"].points] == [(1, 0.5), (2, 0.25)]


def test_a_line_has_the_time_it_was_written_at(tmp_path: Path) -> None:
    write(tmp_path, b"step=1 loss=0.5\n", b"step=2 loss=0.25\n")
    assert [point.time for point in read_whole(tmp_path).series["loss"].points] == [1e9, 1e9 + 1]


def test_the_last_line_needs_no_end_once_nothing_more_comes(tmp_path: Path) -> None:
    write(tmp_path, b"step=1 loss=0.5", seal=True)
    assert len(read_whole(tmp_path).series["loss"].points) == 1


def test_a_line_longer_than_a_block_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, b"step=1 loss=" + b"1" * (3 * BLOCK) + b"\nstep=2 loss=2\n", seal=True)
    assert [point.step for point in read_whole(tmp_path).series["loss"].points] == [2]


def test_very_many_names_do_not_fill_the_memory(tmp_path: Path) -> None:
    write(tmp_path, b"".join(b"step=1 name%d=1\n" % number for number in range(MOST_SERIES + 50)))
    state = read_whole(tmp_path)
    assert (len(state.series), state.left_out) == (MOST_SERIES, 50)


@pytest.mark.parametrize("budget", [1, 1000, BLOCK])
def test_a_small_budget_takes_more_looks_and_finds_the_same(tmp_path: Path, budget: int) -> None:
    write(tmp_path, b"".join(b"step=%d loss=%d\n" % (number, number) for number in range(20_000)), seal=True)
    assert read_whole(tmp_path, budget) == read_whole(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=30), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_any_cut_and_any_pause_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], cuts: list[int]
) -> None:
    data = "".join(lines).encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    root = tmp_path_factory.mktemp("logs")
    state = State()
    for start, end in pairwise(edges):
        write(root, data[start:end])
        with opened(root) as log:
            read_on(state, log, 1 << 20)
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
    write(root, seal=True)
    with opened(root) as log:
        read_on(state, log, 1 << 20)
    whole = read_whole(root)
    assert without_times(state) == without_times(whole)


def without_times(state: State) -> list[tuple[str, list[tuple[int | None, float]]]]:
    return [(name, [(p.step, p.mean) for p in series.points]) for name, series in state.series.items()]
