"""A Range header names a part of a file, or nothing that is there, or counts as none."""

import pytest

from jobs_platform.api.ranges import Part, Unsatisfiable, part_of


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-", Part(0, 10)),
        ("bytes=0-0", Part(0, 1)),
        ("bytes=3-5", Part(3, 6)),
        ("Bytes=3-5 ", Part(3, 6)),
        ("bytes=3-99", Part(3, 10)),
        ("bytes=-3", Part(7, 10)),
        ("bytes=-99", Part(0, 10)),
        ("bytes=9-9", Part(9, 10)),
    ],
)
def test_one_range_is_a_part(header: str, part: Part) -> None:
    assert part_of(header, 10) == part


@pytest.mark.parametrize(
    "header", ["", "bytes=-", "bytes=5-3", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=\u0661-", "0-1"]
)
def test_what_makes_no_sense_is_none(header: str) -> None:
    assert part_of(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=9999999999999999999-"])
def test_a_range_of_no_byte_is_refused(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        part_of(header, 10)


def test_an_empty_file_has_no_part() -> None:
    with pytest.raises(Unsatisfiable):
        part_of("bytes=0-", 0)
