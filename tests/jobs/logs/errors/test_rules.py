"""What one line says of a failure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs.errors.rules import Rank, bare, candidates, judged

TRACEBACK = b"""starting
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
  File "train.py", line 2, in main
    raise KeyError("lr")
KeyError: 'lr'
bye
"""


@pytest.mark.parametrize(
    ("line", "kind", "rank"),
    [
        ("ValueError: bad shape (3, 4)", "exception", 1),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", "memory", 1),
        ("RuntimeError: CUDA error: device-side assert triggered", "cuda", 1),
        ("[rank1]: RuntimeError: CUDA error: an illegal memory access was encountered", "cuda", 1),
        ("/bin/sh: 1: train: not found", "missing", 1),
        ("bash: line 1: torchrun: command not found", "missing", 1),
        ("python: can't open file '/work/x.py': [Errno 2] No such file or directory", "missing", 1),
        ("ModuleNotFoundError: No module named 'torch'", "missing", 1),
        ("Killed", "killed", 1),
        ("/entry.sh: line 3:    17 Killed                  python train.py", "killed", 1),
        ("Segmentation fault (core dumped)", "crash", 1),
        ("terminate called after throwing an instance of 'c10::Error'", "crash", 1),
        ("thread 'main' panicked at src/main.rs:2:5:", "crash", 1),
        ("train.cpp:12: void f(): Assertion `n > 0' failed.", "assertion", 1),
        ("OSError: [Errno 28] No space left on device", "disk", 1),
        ("\x1b[31mAssertionError\x1b[0m: loss is nan", "assertion", 1),
        ("[E ProcessGroupNCCL.cpp:475] [Rank 3] Watchdog caught collective operation timeout", "nccl", 2),
        ("torch.distributed.DistBackendError: NCCL error in: ../NCCLUtils.hpp:219, remote process exited", "nccl", 2),
        ("ConnectionResetError: [Errno 104] Connection reset by peer", "connection", 2),
        ("torch.distributed.elastic.multiprocessing.errors.ChildFailedError:", "launcher", 2),
        (
            "E1123 torch/elastic/api.py:826 failed (exitcode: 1) local_rank: 0 (pid: 61) of binary: python",
            "launcher",
            2,
        ),
        ("2026-01-15 10:30:00 ERROR trainer: checkpoint is empty", "error", 3),
        ("error: unrecognised arguments: --lr", "error", 3),
    ],
)
def test_a_line_has_a_kind_and_a_rank(line: str, kind: str, rank: int) -> None:
    assert judged(line.encode()) == (kind, Rank(rank))
    assert [(one.kind, one.rank) for one in candidates(b"epoch 1\n" + line.encode() + b"\nbye")] == [(kind, rank)]


@pytest.mark.parametrize(
    "line",
    ["step=10 loss=0.31", "0 errors, 3 warnings", "mean absolute error 0.3", "killed time", "saved to out.pt", ""],
)
def test_an_ordinary_line_has_none(line: str) -> None:
    assert judged(line.encode()) is None


def test_of_a_traceback_its_last_line_counts() -> None:
    (one,) = candidates(TRACEBACK)
    assert TRACEBACK[one.start :].startswith(b"KeyError: 'lr'")
    assert (one.kind, one.rank) == ("exception", Rank.CAUSE)


def test_an_exception_of_any_name_counts_after_a_traceback() -> None:
    data = TRACEBACK.replace(b"KeyError: 'lr'", b"my.Diverged: nan")
    (one,) = candidates(data)
    assert data[one.start :].startswith(b"my.Diverged")


def test_a_traceback_that_was_cut_off_counts_where_it_begins() -> None:
    data = TRACEBACK[: TRACEBACK.index(b"KeyError: 'lr'")]
    (one,) = candidates(data)
    assert data[one.start :].startswith(b"Traceback")


PARTS = st.sampled_from(
    [b"\n", b"Traceback (most recent call last):", b"  File x", b"Killed", b"ERROR", b"NCCL error", b"\x1b[31m",
     b"\xff", b"[rank0]: ", b"ValueError: x", b"step 1", b"\r"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=60).map(b"".join) | st.binary(max_size=400))
def test_every_candidate_is_the_beginning_of_a_line_and_comes_once(data: bytes) -> None:
    starts = [one.start for one in candidates(data)]
    assert starts == sorted(set(starts))
    assert all(start == 0 or data[start - 1 : start] == b"\n" for start in starts)


@given(st.lists(PARTS, max_size=60).map(b"".join))
def test_no_line_that_is_judged_is_passed_over_for_want_of_a_hint(data: bytes) -> None:
    lines = data.split(b"\n")
    if any(b"Traceback" in line for line in lines):
        return
    found = {one.start for one in candidates(data)}
    at = 0
    for line in lines:
        assert (at in found) == (judged(line) is not None), bare(line)
        at += len(line) + 1
