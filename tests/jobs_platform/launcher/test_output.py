"""Lines of all services on one terminal, each under its name."""

import io

import pytest

from jobs_platform.launcher.output import LINE_MAX, Lines, Terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_each_line_carries_its_services_name() -> None:
    stream = io.StringIO()
    Lines("web", Terminal(stream)).feed(b"one\ntwo\n")
    assert stream.getvalue() == "web      | one\nweb      | two\n"


def test_a_line_is_shown_when_it_is_whole() -> None:
    stream = io.StringIO()
    lines = Lines("web", Terminal(stream))
    lines.feed(b"first ha")
    assert stream.getvalue() == ""
    lines.feed(b"lf\nrest")
    lines.end()
    assert stream.getvalue() == "web      | first half\nweb      | rest\n"


def test_a_line_without_end_is_broken_not_kept() -> None:
    stream = io.StringIO()
    lines = Lines("web", Terminal(stream))
    lines.feed(b"x" * (LINE_MAX + 1))
    assert len(stream.getvalue()) > LINE_MAX
    assert lines.rest == b""


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    stream = io.StringIO()
    Lines("web", Terminal(stream)).feed(b"\xff\xfe\n")
    assert stream.getvalue().endswith("\n")


def test_colours_are_for_terminals_alone() -> None:
    plain, coloured = io.StringIO(), Tty()
    for stream in (plain, coloured):
        Terminal(stream).line("web", "hello")
    assert "\x1b[" not in plain.getvalue()
    assert "\x1b[" in coloured.getvalue()


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Tty()
    Terminal(stream).line("web", "hello")
    assert "\x1b[" not in stream.getvalue()


def test_a_reader_that_left_does_not_stop_the_platform() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    terminal = Terminal(Closed())
    terminal.say("one")
    terminal.say("two")
