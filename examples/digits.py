"""Handwritten digits and a small neural network, in the standard library alone: what both training scripts share.

The network is 64 inputs → 32 hidden (ReLU) → 10 classes (softmax), trained by plain stochastic gradient descent. Its
parameters are four blocks of rows of floats; a gradient has the same shape. Every random choice comes from the seed
and the step, so a run that was interrupted and resumed ends with exactly the weights of one that was not.
"""

from __future__ import annotations  # array[float] cannot be evaluated before Python 3.12

import csv
import gzip
import hashlib
import json
import math
import os
import random
from array import array
from operator import mul
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parent / "data" / "digits.csv.gz"
INPUTS, HIDDEN, CLASSES = 64, 32, 10
TEST_SAMPLES = 297

Sample = tuple[list[float], int]
Block = list[list[float]]


class Parameters(NamedTuple):
    """Weights as one row for each output; biases as a single row."""

    hidden: Block
    hidden_bias: Block
    output: Block
    output_bias: Block


def load() -> tuple[list[Sample], list[Sample]]:
    """(training, test) samples: 64 grey values in 0..1 and the digit. The last 297 rows are the test."""
    with gzip.open(DATA, "rt", encoding="ascii", newline="") as file:
        rows = [[int(float(cell)) for cell in row] for row in csv.reader(file)]
    samples = [([value / 16 for value in row[:INPUTS]], row[INPUTS]) for row in rows]
    return samples[:-TEST_SAMPLES], samples[-TEST_SAMPLES:]


def zeros() -> Parameters:
    shapes = ((HIDDEN, INPUTS), (1, HIDDEN), (CLASSES, HIDDEN), (1, CLASSES))
    return Parameters(*([[0.0] * columns for _ in range(rows)] for rows, columns in shapes))


def initial(seed: int) -> Parameters:
    """He initialisation: normal with variance 2 / inputs; biases are zero."""
    chance = random.Random(seed)
    parameters = zeros()
    for block in (parameters.hidden, parameters.output):
        scale = math.sqrt(2 / len(block[0]))
        for row in block:
            row[:] = [chance.gauss(0, scale) for _ in row]
    return parameters


def batch_of(samples: list[Sample], *, seed: int, step: int, size: int) -> list[Sample]:
    """The step's samples: the same for a seed and a step, whoever asks and however often."""
    return random.Random(f"{seed}/{step}").sample(samples, size)


def forward(parameters: Parameters, pixels: list[float]) -> tuple[list[float], list[float]]:
    """(hidden activations, class probabilities)."""
    hidden = [
        max(0.0, sum(map(mul, row, pixels)) + bias)
        for row, bias in zip(parameters.hidden, parameters.hidden_bias[0], strict=True)
    ]
    scores = [
        sum(map(mul, row, hidden)) + bias
        for row, bias in zip(parameters.output, parameters.output_bias[0], strict=True)
    ]
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = sum(powers)
    return hidden, [power / total for power in powers]


def gradient(parameters: Parameters, batch: list[Sample]) -> tuple[Parameters, float]:
    """The sum (not the mean) over the batch of the gradients, and of the losses (cross entropy, in nats)."""
    total, loss = zeros(), 0.0
    columns = list(zip(*parameters.output, strict=True))
    for pixels, digit in batch:
        hidden, chances = forward(parameters, pixels)
        loss -= math.log(max(chances[digit], 1e-12))
        chances[digit] -= 1.0  # now the derivative by the scores
        back = [
            sum(map(mul, column, chances)) if active else 0.0 for column, active in zip(columns, hidden, strict=True)
        ]
        accumulate(total.output, total.output_bias[0], chances, hidden)
        accumulate(total.hidden, total.hidden_bias[0], back, pixels)
    return total, loss


def accumulate(weights: Block, biases: list[float], deltas: list[float], inputs: list[float]) -> None:
    for index, delta in enumerate(deltas):
        if delta:
            row = weights[index]
            row[:] = [value + delta * x for value, x in zip(row, inputs, strict=True)]
            biases[index] += delta


def descend(parameters: Parameters, slope: Parameters, rate: float) -> None:
    for block, slopes in zip(parameters, slope, strict=True):
        for row, steps in zip(block, slopes, strict=True):
            row[:] = [value - rate * step for value, step in zip(row, steps, strict=True)]


def accuracy(parameters: Parameters, samples: list[Sample]) -> float:
    def guess(pixels: list[float]) -> int:
        chances = forward(parameters, pixels)[1]
        return chances.index(max(chances))

    return sum(guess(pixels) == digit for pixels, digit in samples) / len(samples)


def flatten(parameters: Parameters) -> array[float]:
    return array("d", (value for block in parameters for row in block for value in row))


def unflatten(values: array[float]) -> Parameters:
    parameters, at = zeros(), 0
    for block in parameters:
        for row in block:
            row[:] = values[at : at + len(row)]
            at += len(row)
    return parameters


def checksum(parameters: Parameters) -> str:
    return hashlib.sha256(flatten(parameters).tobytes()).hexdigest()[:16]


def save(path: Path, *, seed: int, step: int, parameters: Parameters) -> None:
    """Write a checkpoint so that `path` is always a whole one: the old until the new is on the disk."""
    state = {"seed": seed, "step": step, "parameters": parameters}
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("w", encoding="ascii") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def restore(path: Path, *, seed: int) -> tuple[int, Parameters]:
    """(steps done, parameters) of the checkpoint; a fresh start when there is none. Raises SystemExit for a
    checkpoint of another seed: going on from it would mix two runs."""
    if not path.exists():
        return 0, initial(seed)
    state = json.loads(path.read_text(encoding="ascii"))
    if state["seed"] != seed:
        raise SystemExit(f"{path} was made with --seed {state['seed']}: use that seed or another --checkpoint.")
    return state["step"], Parameters(*state["parameters"])
