"""What a command prints is in its log, every byte, in order, and nothing else but lines that the platform marks."""

import hashlib
import os
import random
from pathlib import Path

import pytest

from jobs.cluster.base import ObjectRef
from jobs.logs.format import END, MARKER, OUTPUT, RECORD
from tests.jobs.cluster.worlds import PYTHON, LocalWorld, eventually, spec

MIXED = """
import os
for number in range(2000):
    os.write(1 + number % 2, b"%d\\n" % number)
"""
LARGE = """
import random, sys
block = random.Random(1).randbytes(1 << 20)
for number in range(50):
    sys.stdout.buffer.write(block[number:] + block[:number])
"""


def records(world: LocalWorld, ref: ObjectRef) -> list[tuple[int, int, int, int]]:
    return list(RECORD.iter_unpack(world.index(ref)))


def test_both_streams_are_in_the_order_of_printing(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", MIXED)
    local.run(made)
    assert local.output(made.ref).split() == [b"%d" % number for number in range(2000)]


def test_50_mb_arrive_complete_and_identical(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", LARGE)
    local.run(made)
    output = local.output(made.ref)
    block = random.Random(1).randbytes(1 << 20)
    expected = b"".join(block[number:] + block[:number] for number in range(50))
    assert len(output) == len(expected)
    assert hashlib.sha256(output).digest() == hashlib.sha256(expected).digest()


def test_the_index_covers_every_byte_once_and_ends_with_end(local: LocalWorld) -> None:
    made = spec(PYTHON, "-c", MIXED)
    local.run(made)
    *parts, last = records(local, made.ref)
    position, before = 0, 0
    for offset, time_ns, length, flags in parts:
        assert (offset, flags) == (position, OUTPUT)
        assert time_ns >= before
        position, before = offset + length, time_ns
    assert position == len(local.output(made.ref))
    assert (last[0], last[2], last[3]) == (position, 0, END)


def test_a_last_line_without_newline_is_kept_as_it_is(local: LocalWorld) -> None:
    made = spec("/usr/bin/printf", "a\\nb")
    local.run(made)
    assert local.output(made.ref) == b"a\nb"


def test_a_command_that_prints_nothing_has_an_empty_ended_log(local: LocalWorld) -> None:
    made = spec("true")
    local.run(made)
    assert local.output(made.ref) == b""
    assert [(offset, length, flags) for offset, _, length, flags in records(local, made.ref)] == [(0, 0, END)]


def test_a_line_is_in_the_log_while_the_command_goes_on(local: LocalWorld, tmp_path: Path) -> None:
    go_on = tmp_path / "fifo"
    made = spec("/bin/sh", "-c", f"echo first; read -r _ < {make_fifo(go_on)}; echo second")
    local.cluster.create_attempt(made)
    eventually(lambda: local.output(made.ref) == b"first\n", "the first line")
    assert not local.seen(made.ref).all_over
    go_on.write_text("\n")
    assert local.over(made.ref).all_succeeded
    assert local.output(made.ref) == b"first\nsecond\n"


def make_fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def test_a_command_that_closes_its_output_goes_on(local: LocalWorld) -> None:
    made = spec("/bin/sh", "-c", "echo said; exec >&- 2>&-; exit 4")
    assert local.run(made).exit_code == 4
    assert local.output(made.ref) == b"said\n"


def test_output_that_a_background_process_prints_after_the_command_is_kept(local: LocalWorld) -> None:
    made = spec("/bin/bash", "-c", 'exec > >(read -r line; sleep 0.05; echo "late $line"); echo done')
    local.run(made)
    assert local.output(made.ref) == b"late done\n"


@pytest.mark.parametrize("newline", ["", "\\n"])
def test_beyond_its_limit_the_log_says_what_it_kept(tmp_path: Path, newline: str) -> None:
    world = LocalWorld(tmp_path, max_log_bytes=1000)
    made = spec("/bin/sh", "-c", f"printf '%0999d{newline or 'x'}' 0; printf '%05000d' 0; echo end; exit 3")
    assert world.run(made).exit_code == 3, "a full log does not stop the command"
    output = world.output(made.ref)
    marked = [(offset, length) for offset, _, length, flags in records(world, made.ref) if flags == MARKER]
    [(offset, length)] = marked
    assert offset == 1000
    assert output[:1000] == b"0" * 999 + (b"\n" if newline else b"x")
    text = output[offset : offset + length].decode()
    assert "1000 bytes are kept" in text
    assert text.lstrip("\n").startswith("[platform] ")
    assert text.startswith("\n") == (not newline), "the mark begins a line of its own"
    assert output.endswith(b"\n")
    assert offset + length == len(output)


def test_why_a_command_did_not_start_is_in_the_log_as_well(local: LocalWorld) -> None:
    made = spec("python4")
    local.run(made)
    assert b"python4: command not found in PATH" in local.output(made.ref)
    assert [flags for *_, flags in records(local, made.ref)] == [MARKER, END]
