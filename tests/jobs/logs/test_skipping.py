"""A search of a packed log finds just what it would find if it read all of it, and does not read what cannot matter."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs import blocks, grams, packing, seekable, skipping
from jobs.logs.blobs import FileBlob
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.format import pod_dir
from jobs.logs.frames import FrameCache
from jobs.logs.needle import Needle
from jobs.logs.search import Search, first_place, run
from jobs.logs.store import PodLog
from tests.jobs.logs.model import FIRST_NS, KEY, RELAXED, Written, logs, split_lines, write

FRAME = 7
KEYWORDS = st.lists(st.sampled_from([b"a", b"b", b"A", b"\r", b"\xe6", b"\x8d"]), min_size=1, max_size=FRAME)
ORDERS = pytest.mark.parametrize("newest_first", [False, True])
BORING = b"".join(b"step=%d loss=0.%d\n" % (number, number * 7919 % 10000) for number in range(3000))


@pytest.fixture
def small() -> Iterator[None]:
    with (
        mock.patch.object(packing, "WORTH_BYTES", 1),
        mock.patch.object(seekable, "FRAME", FRAME),
        mock.patch.object(blocks, "BLOCK", 5),
        mock.patch.object(skipping, "STEP", 3),
        mock.patch.object(skipping, "REACH", 20),
    ):
        yield


@contextmanager
def packed(writes: list[Written], segment: int = 1 << 20, *, seal: bool = True) -> Iterator[PodLog]:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory), segment)
        write(store, writes, seal=seal)
        assert packing.pack(pod_dir(store.root, KEY.job_id, KEY.attempt, KEY.replica))
        with closing(store.open(KEY)) as log:
            yield log


def found(log: PodLog, needle: Needle, newest_first: bool) -> list[bytes]:
    """Lines, in the log's order, after the count agreed with the list."""
    place = first_place(newest_first, 0, None, log.size())
    result = run(log, Search(needle, newest_first, 1000), place, 1000.0)
    assert result.listed_all
    assert run(log, Search(needle, newest_first, 0), place, 1000.0).place.found == len(result.lines)
    lines = [log.read(line.start, line.end - line.start) for line in result.lines]
    return lines[::-1] if newest_first else lines


@pytest.mark.usefixtures("small")
class TestAgainstTheModel:
    @ORDERS
    @RELAXED
    @given(logs(), KEYWORDS.map(b"".join), st.sampled_from([3, 20, 1 << 20]), st.booleans(), st.booleans())
    def test_all_lines_are_found(
        self, newest_first: bool, writes: list[Written], keyword: bytes, segment: int, ignore_case: bool, seal: bool
    ) -> None:
        needle = Needle(keyword, ignore_case=ignore_case)
        data = b"".join(one.data for one in writes)
        whole = data if seal or newest_first else data[: data.rfind(b"\n") + 1]
        with packed(writes, segment, seal=seal) as log:
            lines = found(log, needle, newest_first)
        assert lines == [one for one in split_lines(whole) if needle.keyword in needle.prepared(one)]

    @RELAXED
    @given(st.binary(max_size=30), st.binary(max_size=3), st.binary(min_size=3, max_size=6), st.integers(0, 30))
    def test_a_bitmap_denies_no_trigram_that_begins_there(
        self, frame: bytes, following: bytes, keyword: bytes, at: int
    ) -> None:
        frame = frame[:at] + keyword + frame[at:]
        bitmaps = grams.bitmap(frame, following) + grams.bitmap(following, b"")
        assert grams.Grams(keyword).may_begin(bitmaps, 0)
        assert grams.Grams(keyword.upper()).may_begin(bitmaps, 0)


@ORDERS
class TestWhatIsRead:
    def test_of_a_log_without_the_keyword_only_the_ends_of_its_segments(self, newest_first: bool) -> None:
        with packed([Written(BORING * 40, FIRST_NS)], 1 << 20) as log, counted() as frames:
            assert found(log, Needle(b"CUDA error"), newest_first) == []
        assert 0 < len(frames) <= 3 * 2  # the last frame of each of three segments, and the one before it

    def test_of_a_log_with_a_line_that_has_it_what_is_around(self, newest_first: bool) -> None:
        text = BORING * 60 + b"RuntimeError: CUDA error: out of memory\n" + BORING * 60
        with packed([Written(text, FIRST_NS)], 16 << 20) as log, counted() as frames:
            assert found(log, Needle(b"cuda error", ignore_case=True), newest_first) == [
                b"RuntimeError: CUDA error: out of memory\n"
            ]
        assert len(frames) < len(text) // seekable.FRAME // 2

    def test_all_of_one_that_was_packed_without_trigrams(
        self, newest_first: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(packing.seekable.pack, "__kwdefaults__", {"searched": False})
        monkeypatch.setattr(packing.write, "__kwdefaults__", {"searched": False})
        with packed([Written(BORING * 20 + b"CUDA error\n", FIRST_NS)]) as log, counted() as frames:
            assert found(log, Needle(b"CUDA error"), newest_first) == [b"CUDA error\n"]
        assert len(frames) >= len(BORING) * 20 // seekable.FRAME


def test_damaged_trigrams_count_as_none(tmp_path: Path) -> None:
    path = tmp_path / "main.zst"
    with path.open("wb") as file:
        seekable.pack([b"some text\n", b"more\n"], file, 0)
    with closing(FileBlob(path)) as blob:
        offset, size = seekable.read_table(blob).grams
        assert len(seekable.read_grams(blob, seekable.read_table(blob))) == 2 * grams.BYTES
    for at in (0, 4, 9, size // 2, size - 1):
        damaged = bytearray(path.read_bytes())
        damaged[offset + at] ^= 1
        other = tmp_path / f"{at}.zst"
        other.write_bytes(damaged)
        with closing(FileBlob(other)) as blob:
            assert seekable.read_grams(blob, seekable.read_table(blob)) == b""


@contextmanager
def counted() -> Iterator[list[int]]:
    """The frames that are unpacked."""
    numbers: list[int] = []
    read = seekable.read_frame

    def reading(blob: FileBlob, table: seekable.Table, number: int) -> bytes:
        numbers.append(number)
        return read(blob, table, number)

    with mock.patch.object(seekable, "read_frame", reading), mock.patch("jobs.logs.frames.cache", FrameCache()):
        yield numbers
