"""The end of a pod's log, for the sentence of its crash. Pure."""

import re
from collections.abc import Sequence

from jobs.cluster.diagnosis.excerpt import READ, excerpt
from jobs.cluster.diagnosis.findings import Ending
from jobs.states import EndReason

LINES = 3
LONGEST = 200
TOLD_BY_THE_COMMAND = frozenset({EndReason.COMMAND_FAILED, EndReason.OUT_OF_MEMORY})
ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def with_last_words(ending: Ending, lines: Sequence[str]) -> Ending:
    """The ending with the last lines of the log of the pod it names, where its sentence has room for them."""
    if ending.reason not in TOLD_BY_THE_COMMAND or ending.params.get("variant") == "start":
        return ending
    told = last_words(lines)
    return Ending(ending.reason, {**ending.params, "lines": told}) if told else ending


def last_words(lines: Sequence[str]) -> list[str]:
    """The last few lines that are not blank, without colours, each cut to what a sentence bears."""
    told = []
    for line in lines[-20 * LINES :]:
        shown = line[-READ:].rstrip("\r\n").rpartition("\r")[2]  # a progress bar draws over itself
        if text := excerpt(ESCAPE.sub("", shown), LONGEST):
            told.append(text)
    return told[-LINES:]
