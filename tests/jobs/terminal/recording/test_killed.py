"""A server that is killed while it writes leaves a recording that plays to where it came."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.terminal.recording import records
from jobs.terminal.recording.files import path_of
from tests.processes import wait_until

RECORDING = "rec-0000000000000000"
WRITER = """
import sys
from itertools import count
from pathlib import Path
import django
from django.conf import settings
django.setup()
settings.RECORDING_DIR = Path(sys.argv[1])
from jobs.terminal.recording.asciicast import Encoder, Event
from jobs.terminal.recording.files import RecordingFile
file, encoder = RecordingFile(sys.argv[2], b'{"version": 2, "width": 80, "height": 24}\\n', 1 << 40), Encoder()
for number in count():
    file.write(encoder.lines(Event(number / 1000, "o", bytearray(b"%d\\r\\n" % number * (1 + number % 500)))))
"""


@pytest.mark.parametrize("size", [1, 3_000_000])
def test_what_is_read_is_whole_up_to_the_kill(size: int, recording_dir: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(recording_dir), RECORDING])
    try:
        wait_until(lambda: written() >= size, 30.0, f"{size} bytes")
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    whole = records.measured(RECORDING)
    head, *events = [json.loads(line) for line in path_of(RECORDING).read_bytes()[: whole.size].splitlines()]
    assert head["version"] == 2
    assert [shown(event) for event in events] == list(range(len(events)))
    assert whole.seconds == (events[-1][0] if events else 0)
    assert written() - whole.size < 500 * 10


def written() -> int:
    try:
        return path_of(RECORDING).stat().st_size
    except FileNotFoundError:
        return 0


def shown(event: list[Any]) -> int:
    at, kind, text = event
    number = round(at * 1000)
    assert (kind, text) == ("o", f"{number}\r\n" * (1 + number % 500))
    return number
