"""The gate between a shim and the process that is to become its command."""

import os

from jobs.cluster.local.shim.command import Child


def test_one_that_left_before_it_was_let_go_says_why() -> None:
    """SIGPIPE is ignored in Python, so the write to a gate that nobody reads fails instead."""
    gate_read, gate = os.pipe()
    report, report_write = os.pipe()
    os.close(gate_read)
    os.write(report_write, b"d2 /nowhere")
    os.close(report_write)
    failure = Child(0, gate, report).release()
    assert failure is not None
    code, why = failure
    assert code == 128
    assert "/nowhere" in why
