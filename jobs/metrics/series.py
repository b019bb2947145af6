"""A time series in bounded memory: when it is full, neighbours are merged and each point stands for twice as many
values. A point keeps the mean, least and largest of what it stands for, so that a spike is never lost. Pure."""

import math

import msgspec

MOST_POINTS = 1000


class Point(msgspec.Struct, array_like=True, gc=False):
    """`step`, `epoch` and `time` (seconds since 1970) are those of the last value it stands for."""

    step: int | None
    epoch: float | None
    time: float
    count: int
    mean: float
    least: float
    largest: float
    last: float


class Series(msgspec.Struct):
    """`stride`: how many values a full point stands for. Values that are no numbers (nan, inf) make no point: they are
    counted, with the place of the first."""

    points: list[Point] = []
    stride: int = 1
    non_finite: int = 0
    first_non_finite_step: int | None = None
    first_non_finite_time: float | None = None

    def add(self, value: float, *, step: int | None, epoch: float | None, time: float) -> None:
        if not math.isfinite(value):
            self.count_non_finite(step, time)
            return
        new = Point(step, epoch, time, 1, value, value, value, value)
        if self.points and self.points[-1].count < self.stride:
            self.points[-1] = merged(self.points[-1], new)
            return
        if len(self.points) >= MOST_POINTS:
            self.halve()
        self.points.append(new)

    def count_non_finite(self, step: int | None, time: float) -> None:
        if not self.non_finite:
            self.first_non_finite_step, self.first_non_finite_time = step, time
        self.non_finite += 1

    def halve(self) -> None:
        pairs = zip(self.points[::2], self.points[1::2], strict=False)
        rest = self.points[-1:] if len(self.points) % 2 else []
        self.points = [*(merged(first, second) for first, second in pairs), *rest]
        self.stride *= 2


def merged(first: Point, second: Point) -> Point:
    """Written so that no sum overflows."""
    count = first.count + second.count
    share = second.count / count
    return Point(
        step=second.step,
        epoch=second.epoch,
        time=second.time,
        count=count,
        mean=first.mean * (1 - share) + second.mean * share,
        least=min(first.least, second.least),
        largest=max(first.largest, second.largest),
        last=second.last,
    )
