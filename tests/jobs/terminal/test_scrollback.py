from hypothesis import given
from hypothesis import strategies as st

from jobs.terminal.scrollback import SLACK, ModeTracker, Scrollback, safe_cut


def test_what_fits_is_given_whole() -> None:
    scrollback = Scrollback(capacity=100)
    scrollback.append(b"one\n")
    scrollback.append(b"two\n")
    opening = scrollback.opening()
    assert (opening.prefix, opening.position) == (b"", 0)
    assert scrollback.read(0, 100) == b"one\ntwo\n"
    assert scrollback.read(4, 2) == b"tw"
    assert scrollback.read(8, 100) == b""


def test_who_was_here_goes_on_where_it_was() -> None:
    scrollback = Scrollback(capacity=100)
    scrollback.append(b"x" * 90)
    assert scrollback.opening(since=40).position == 40
    assert scrollback.opening(since=90).position == 90
    assert scrollback.opening(since=91).position == 0


def test_a_place_that_is_gone_begins_anew() -> None:
    scrollback = Scrollback(capacity=100)
    scrollback.append(b"line\n" * 1000)
    opening = scrollback.opening(since=3)
    assert opening.position > 3
    assert scrollback.read(opening.position, 5) == b"line\n"


def test_it_begins_after_a_line_or_with_an_escape_sequence() -> None:
    assert safe_cut(b"31mred\nnext") == 7
    assert safe_cut(b"31mred\x1b[0m\nnext") == 6
    assert safe_cut("练abc".encode()[1:]) == 2
    assert safe_cut(b"abc") == 0
    assert safe_cut(b"") == 0


def test_modes_that_were_set_before_the_cut_are_put_in_front() -> None:
    scrollback = Scrollback(capacity=50)
    scrollback.append(b"\x1b[?1049h\x1b[?25l\x1b[?2004h" + b"row\n" * 200_000 + b"\x1b[?2004l" + b"row\n" * 200_000)
    assert scrollback.opening().prefix == b"\x1b[?1049h\x1b[?25l"
    scrollback.append(b"\x1bc" + b"row\n" * 200_000)
    assert scrollback.opening().prefix == b""


@given(st.lists(st.sampled_from([b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?25h", b"\x1b[?1;2004h", b"\x1bc", b"text\r\n"])))
def test_modes_are_the_same_however_the_output_is_torn(parts: list[bytes]) -> None:
    whole, torn = ModeTracker(), ModeTracker()
    output = b"".join(parts)
    whole.pass_over(output)
    for at in range(len(output)):
        torn.pass_over(output[at : at + 1])
    assert torn.sequences() == whole.sequences()


@given(st.lists(st.binary(max_size=SLACK), max_size=40), st.integers(0, 300_000), st.data())
def test_it_holds_the_newest_of_what_came_and_no_more_than_it_may(
    chunks: list[bytes], repeat: int, data: st.DataObject
) -> None:
    scrollback, everything = Scrollback(capacity=200_000), b""
    for chunk in (*chunks, b"\xe8" * min(repeat, SLACK), *chunks):
        scrollback.append(chunk)
        everything += chunk
        assert len(scrollback.kept) <= 200_000 + 3 * SLACK
    assert scrollback.end == len(everything)
    since = data.draw(st.none() | st.integers(0, len(everything)))
    opening = scrollback.opening(since)
    assert scrollback.read(opening.position, len(everything)) == everything[opening.position :]
    if since is not None and since >= len(everything) - 200_000:
        assert opening.position == since


@given(st.binary(max_size=SLACK))
def test_a_chunk_that_comes_while_a_connection_begins_takes_nothing_from_it(chunk: bytes) -> None:
    scrollback = Scrollback(capacity=100_000)
    for _ in range(7):
        scrollback.append(b"\n" * 60_000)
        opening = scrollback.opening()
        scrollback.append(chunk)
        assert scrollback.start <= opening.position
