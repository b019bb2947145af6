"""The platform's own lines are told from the program's, whatever the program prints."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs import index
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.format import MARKER, OUTPUT
from tests.jobs.logs.model import FIRST_NS, KEY, RELAXED

PIECES = st.lists(st.tuples(st.sampled_from([b"a\n", b"[platform] mine\n", b"half"]), st.booleans()), max_size=12)


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH", 3)


@pytest.mark.usefixtures("few_at_once")
@RELAXED
@given(pieces=PIECES, start=st.integers(0, 60), size=st.integers(0, 60))
def test_those_that_touch_the_range_are_found(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[bytes, bool]], start: int, size: int
) -> None:
    store, at, expected = FilesystemLogStore(tmp_path_factory.mktemp("logs")), 0, []
    with closing(store.writer(KEY)) as writer:
        for number, (data, is_marker) in enumerate(pieces):
            writer.append(data, FIRST_NS + number, MARKER if is_marker else OUTPUT)
            if is_marker and at < start + size and at + len(data) > start:
                expected.append((at, at + len(data), FIRST_NS + number))
            at += len(data)
        with closing(store.open(KEY)) as log:
            assert list(log.markers(start, start + size)) == expected


def test_a_log_without_an_index_has_none(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    with closing(store.writer(KEY)) as writer:
        writer.append(b"[platform] one\n", FIRST_NS, MARKER)
    store.watch_path(KEY).unlink()
    with closing(store.open(KEY)) as log:
        assert list(log.markers(0, 99)) == []
