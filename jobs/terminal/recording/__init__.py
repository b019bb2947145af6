"""Recordings of terminals, after the project's policy: docs/recording.md."""

from jobs.terminal.recording.beginning import begin

__all__ = ["begin"]
