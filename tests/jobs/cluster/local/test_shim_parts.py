"""The shim's own writers against the readers of everybody else, which it is too small to import."""

import errno
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.base import PodReason
from jobs.cluster.local.shim import files, output, proc, run, tree
from jobs.cluster.local.shim import spec as wire
from jobs.cluster.local.spawn import SHIM
from jobs.logs import format as log_format
from jobs.logs import worklist
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.store import LogKey

plain = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))


@given(
    st.dictionaries(st.text(), st.one_of(st.none(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]))))
)
def test_state_is_json(values: dict[str, files.Value]) -> None:
    assert json.loads(files.dump(values)) == values


@given(st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2))
def test_records_are_those_of_the_log_format(offset: int, time_ns: int, length: int, flags: int) -> None:
    assert output.record(offset, time_ns, length, flags) == log_format.RECORD.pack(offset, time_ns, length, flags)


def test_flags_and_reasons_are_those_of_everybody_else() -> None:
    assert (output.OUTPUT, output.MARKER, output.END) == (log_format.OUTPUT, log_format.MARKER, log_format.END)
    for name in (run.START_ERROR, run.STOPPED, run.OOM_KILLED, run.NODE_LOST):
        assert PodReason(name)


@given(st.lists(plain), st.dictionaries(plain.filter(lambda name: name and "=" not in name), plain))
def test_a_spec_arrives_as_it_was_sent(args: list[str], env: dict[str, str]) -> None:
    data = wire.encode({"pod": "job-1-0", "memory_bytes": 5}, args, env)
    spec = wire.decode(data)
    assert (spec.pod, spec.memory_bytes) == (b"job-1-0", 5)
    assert [arg.decode() for arg in spec.args] == args
    assert {name.decode(): value.decode() for name, value in spec.env.items()} == env


@given(st.integers(min_value=0))
def test_a_spec_cut_short_is_refused(cut: int) -> None:
    data = wire.encode({"pod": "job-1-0"}, ["a"], {"A": "b"})
    with pytest.raises(ValueError, match="not complete"):
        wire.decode(data[: cut % len(data)])


def test_the_shim_imports_nothing_large() -> None:
    """What it starts with decides how quickly a job prints its first line."""
    code = f"import sys; sys.path.append({str(SHIM.parents[1])!r}); import shim.zygote; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {
        "enum",
        "re",
        "json",
        "socket",
        "signal",
        "ctypes",
        "subprocess",
        "pathlib",
        "typing",
        "django",
    }


def test_descendants_are_found_with_and_without_the_kernels_help() -> None:
    child = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 600 & echo; wait"], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert child.stdout is not None
        child.stdout.readline()
        [grandchild] = proc.children(child.pid)
        assert proc.children_by_scan(child.pid) == [grandchild]
        assert {child.pid, grandchild} <= set(proc.descendants(os.getpid()))
        assert proc.memory_in_use([child.pid]) > 0
        assert 0 < proc.proportional(child.pid) <= proc.resident(child.pid)
        tree.Tree(child.pid).send_group(9)
    finally:
        child.communicate()
    assert proc.start_ticks(child.pid) == 0
    assert proc.children(child.pid) == []


KEY = LogKey("job-0000000000000000", 2, 1)


def log_of(root: Path) -> Path:
    return log_format.pod_dir(root, KEY.job_id, KEY.attempt, KEY.replica)


class TestLog:
    """The log's writer alone, on a pipe that the test fills."""

    @pytest.fixture
    def pipe(self) -> tuple[int, int]:
        return output.output_pipe()

    def log(
        self, tmp_path: Path, pipe: tuple[int, int], limit: int = 1 << 20, segment_bytes: int = output.SEGMENT_BYTES
    ) -> output.Log:
        return output.Log(os.fsencode(log_of(tmp_path)), pipe[0], limit, segment_bytes)

    def test_without_splice_the_bytes_are_the_same(self, tmp_path: Path, pipe: tuple[int, int]) -> None:
        log = self.log(tmp_path, pipe)
        log.splices = False
        os.write(pipe[1], b"one\n")
        assert log.pump()
        os.write(pipe[1], b"two\n")
        assert log.pump()
        assert log.pump(), "nothing there is not the end"
        os.close(pipe[1])
        assert not log.pump()
        log.end()
        assert (log_of(tmp_path) / "main.log").read_bytes() == b"one\ntwo\n"
        entries = list(log_format.RECORD.iter_unpack((log_of(tmp_path) / "main.idx").read_bytes()))
        assert [(offset, length, flags) for offset, _, length, flags in entries] == [(0, 4, 0), (4, 4, 0), (8, 0, 2)]

    @pytest.mark.parametrize("splices", [True, False])
    def test_what_a_full_disk_swallowed_is_confessed(
        self, tmp_path: Path, pipe: tuple[int, int], splices: bool
    ) -> None:
        log = self.log(tmp_path, pipe)
        log.splices = splices
        os.write(pipe[1], b"kept\n")
        log.step()
        real = log.log
        log.log = os.open("/dev/full", os.O_RDWR)
        os.write(pipe[1], b"x" * 100)
        for _ in range(3):
            try:
                log.step()
            except BlockingIOError:
                break
        os.close(log.log)
        log.log = real
        os.write(pipe[1], b"again\n")
        log.step()
        log.end()
        text = (log_of(tmp_path) / "main.log").read_bytes()
        assert text.startswith(b"kept\n[platform] 100 bytes are missing here")
        assert text.endswith(b"\nagain\n")

    def test_a_record_that_could_not_be_written_is_part_of_the_next(
        self, tmp_path: Path, pipe: tuple[int, int]
    ) -> None:
        log = self.log(tmp_path, pipe)
        real = log.index
        log.index = os.open("/dev/full", os.O_RDWR)
        os.write(pipe[1], b"one\n")
        with pytest.raises(BlockingIOError):
            log.step()
        os.close(log.index)
        log.index = real
        os.write(pipe[1], b"two\n")
        log.step()
        log.end()
        assert (log_of(tmp_path) / "main.log").read_bytes() == b"one\ntwo\n"
        entries = list(log_format.RECORD.iter_unpack((log_of(tmp_path) / "main.idx").read_bytes()))
        assert [(offset, length, flags) for offset, _, length, flags in entries] == [(0, 8, 0), (8, 0, 2)]

    @pytest.mark.parametrize("splices", [True, False])
    def test_what_goes_on_in_other_segments_reads_as_one_log(
        self, tmp_path: Path, pipe: tuple[int, int], splices: bool
    ) -> None:
        log = self.log(tmp_path, pipe, limit=45, segment_bytes=8)
        log.splices = splices
        for number in range(10):
            os.write(pipe[1], b"line %d\n" % number)
            log.pump()
        log.end()
        with closing(FilesystemLogStore(tmp_path).open(KEY)) as reader:
            text = b"".join(b"line %d\n" % number for number in range(7))[:45]
            said = b"\n[platform] The log reached its limit: 45 bytes are kept, what follows is not.\n"
            assert reader.read(0, 1000) == text + said
            assert reader.is_complete()
            assert reader.timed_size() == len(text + said)
        names = {path.name for path in log_of(tmp_path).glob("main*.log")}
        assert {log_format.segment_name("main", base) for base in (0, 14, 28)} <= names
        assert worklist.names(tmp_path) == ["job-0000000000000000-2-1"]

    def test_where_no_other_segment_can_begin_the_one_at_hand_goes_on(
        self, tmp_path: Path, pipe: tuple[int, int]
    ) -> None:
        log = self.log(tmp_path, pipe, segment_bytes=4)
        log.directory = os.fsencode(tmp_path / "gone")
        for text in (b"one\n", b"two\n"):
            os.write(pipe[1], text)
            log.pump()
        log.end()
        assert (log_of(tmp_path) / "main.log").read_bytes() == b"one\ntwo\n"


def test_an_end_is_written_down_as_soon_as_the_disk_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def write() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(run, "TRY_AGAIN_S", 0)
    run.insist(write)
    assert len(tries) == 3


def test_an_end_that_never_can_be_written_is_an_error() -> None:
    def write() -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        run.insist(write)
