"""How far a training has come, how quickly, and when it will be done. Pure."""

from dataclasses import replace

import msgspec

from jobs.metrics.lines import Reading


class Progress(msgspec.Struct):
    """`since` and `since_fraction`: where the present run of growing fractions began; when a fraction falls, such as
    that of a second bar, a new run begins."""

    fraction: float
    time: float  # of the last reading, seconds since 1970
    since: float
    since_fraction: float
    step: int | None = None
    steps: int | None = None
    epoch: float | None = None
    epochs: int | None = None
    counts_from_zero: bool = False
    total_steps: int | None = None  # of the training, as a line of its own told it once, not as a bar repeats it

    @property
    def per_second(self) -> float | None:
        """Of the fraction; None before it has grown."""
        grown, passed = self.fraction - self.since_fraction, self.time - self.since
        return grown / passed if grown > 0 and passed > 0 else None

    @property
    def steps_per_second(self) -> float | None:
        """Only of a run that is counted in steps alone."""
        return self.per_second * self.steps if self.per_second and self.steps and not self.epochs else None

    @property
    def remaining_seconds(self) -> float | None:
        return (1 - self.fraction) / self.per_second if self.per_second else None


def advance(before: Progress | None, reading: Reading, time: float) -> Progress | None:
    """What is known after a reading; a line that tells no fraction changes nothing."""
    reading, total_steps = counted(before, reading)
    epochs = reading.epochs or (before.epochs if before else None)
    epoch = reading.epoch if reading.epoch is not None else (before.epoch if before and epochs else None)
    if not (reading.steps or reading.epochs or (epochs and reading.epoch is not None)):
        return before
    from_zero = (before.counts_from_zero if before else False) or (bool(epochs) and epoch == 0)
    fraction = fraction_of(reading, epoch, epochs, from_zero=from_zero)
    if fraction is None:
        return before
    continues = before is not None and fraction >= before.fraction and before.epochs == epochs
    return Progress(
        fraction=fraction,
        time=time,
        since=before.since if continues and before else time,
        since_fraction=before.since_fraction if continues and before else fraction,
        step=reading.step,
        steps=reading.steps,
        epoch=epoch,
        epochs=epochs,
        counts_from_zero=from_zero,
        total_steps=total_steps,
    )


def counted(before: Progress | None, reading: Reading) -> tuple[Reading, int | None]:
    """The reading, with the total that an earlier line told where it tells only a step, and that total.

    A training that has epochs counts its steps within them, or in all: nobody can tell. Such steps say nothing here."""
    total = before.total_steps if before else None
    if reading.steps and not reading.bar:
        total = reading.steps
    knows = total and reading.step is not None and reading.epoch is None and not (before and before.epochs)
    if not knows or reading.bar or reading.steps:
        return reading, total
    return replace(reading, steps=total), total


def fraction_of(reading: Reading, epoch: float | None, epochs: int | None, *, from_zero: bool) -> float | None:
    """From 0 to 1. A line with an epoch and no step tells of an epoch that is done."""
    within = reading.step / reading.steps if reading.step is not None and reading.steps else None
    if not epochs or epoch is None:
        return None if within is None else min(1.0, within)
    begun = epoch if from_zero else max(0.0, epoch - 1)
    done = begun + (1.0 if within is None else min(1.0, within))
    return min(1.0, done / epochs)
