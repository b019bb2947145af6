"""Where the local pool keeps its things."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    pool_dir: Path  # state of attempts, see state.py
    log_dir: Path  # output, see jobs.logs.format
    work_dir: Path  # <jobId>/: where commands run that name no directory of their own
    hint_socket: Path
    max_log_bytes: int  # kept of one pod's output
    segment_bytes: int  # of the files that it is kept in
