"""What one printed line says of a training's course. Pure, and the only place with rules for what lines look like.

A line counts when it names a step or an epoch beside a value, when it names a quantity that everybody knows (a loss, an
accuracy), or when it is a progress bar:

    step=10 loss=0.31                                  {"step": 10, "loss": 0.31}
    epoch 3/10 - train loss: 0.31 - acc: 0.92          {'loss': 0.31, 'epoch': 1.5}
    Epoch: [0][ 10/5005]  Loss 6.9 (7.0)  Acc@1 0.1    Epoch [3/10], Step [100/500], Loss: 0.12
    100/100 [====] - 1s - loss: 0.31                   45%|████ | 450/1000 [00:10<00:12, 43.2it/s, loss=0.31]
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.metrics.numbers import PAIR, SPACED, is_plain, number

LONGEST = 16 << 10  # characters; a longer line is no metric
MOST_VALUES = 64  # of one line

ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
LARGEST_COUNT = 15  # digits: above, a float counts no more by ones
COUNT = rf"(\d{{1,{LARGEST_COUNT}}})"
OF = rf"(?:\s*(?:/|of)\s*{COUNT})?"
STEP = re.compile(
    rf"\b(?:global[_ ]?step|train[_ ]?step|step|iter(?:ation)?|batch)\b[\"']?\s*[=:#]?\s*\[?\s*{COUNT}{OF}(?![\w.])",
    re.IGNORECASE,
)
EPOCH = re.compile(rf"\bepoch\b[\"']?\s*[=:#]?\s*\[?\s*(\d{{1,{LARGEST_COUNT}}}(?:\.\d+)?){OF}(?![\w.])", re.IGNORECASE)
AFTER_EPOCH = re.compile(rf"\]\s*\[\s*{COUNT}\s*/\s*{COUNT}\s*\]")  # Epoch: [0][ 10/5005]
KERAS_BAR = re.compile(rf"^\s*{COUNT}/{COUNT}\s+[\[━]")
TQDM_BAR = re.compile(rf"(?<![\d/]){COUNT}/{COUNT} \[[\d:]+<[\d:?]+")

STEP_NAMES = frozenset({"step", "global_step", "train_step", "iteration", "iter", "batch"})
TOTAL_NAMES = frozenset({"total_steps", "max_steps", "num_steps", "steps"})
EPOCHS_NAMES = frozenset({"epochs", "total_epochs", "max_epochs", "num_epochs"})
# Said beside a step, and no quantity of the training.
IGNORED = STEP_NAMES | TOTAL_NAMES | EPOCHS_NAMES | {"epoch", "rank", "local_rank", "world_size", "pid", "port", "seed"}
KNOWN = re.compile(
    r"(?:^|[_./-])(?:loss|acc|accuracy|ppl|perplexity|f1|auc|bleu|rouge|reward|mae|mse|rmse)(?:$|[@_./-])"
)
PHASES = {"train": "train", "training": "train", "test": "test", "eval": "eval", "evaluation": "eval"}  # else val
# What a line must hold for any rule to apply: one search over a whole block of a log spares the rest.
CANDIDATE = re.compile(
    rb"step|epoch|iter|batch|loss|acc|ppl|perplex|reward|\bf1\b|auc|bleu|rouge|m[as]e"
    rb"|/\d{1,15} \[|/\d{1,15}\s{1,8}[\[\xe2]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """`step` of `steps` and `epoch` of `epochs`, where the line tells; `bar`: it is a progress bar's."""

    values: Mapping[str, float] = field(default_factory=dict)
    step: int | None = None
    steps: int | None = None
    epoch: float | None = None
    epochs: int | None = None
    bar: bool = False

    @property
    def tells_progress(self) -> bool:
        return bool(self.steps or self.epochs)


def read(line: str) -> Reading | None:
    """None for a line that says nothing of the training. Never raises, whatever the line is."""
    if len(line) > LONGEST:
        return None
    text = ANSI.sub("", line).strip()
    if (found := from_json(text)) is not None:
        return worth(from_mapping(found))
    return worth(from_text(text))


def worth(reading: Reading) -> Reading | None:
    placed = reading.step is not None or reading.epoch is not None
    values = reading.values
    if not placed and not reading.bar:
        values = {name: value for name, value in values.items() if KNOWN.search(name.lower())}
    if not values and not reading.tells_progress:
        return None
    if values is reading.values:
        return reading
    return Reading(values, reading.step, reading.steps, reading.epoch, reading.epochs)


def from_json(text: str) -> dict[str, Any] | None:
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def from_mapping(found: Mapping[str, Any]) -> Reading:
    """The plain numbers of an object's top level."""
    numbers = {name: value for name, value in found.items() if is_plain(value) and is_name(name)}
    folded = {name.lower(): value for name, value in numbers.items()}
    return Reading(
        values={name: as_float(value) for name, value in numbers.items() if name.lower() not in IGNORED},
        step=first(folded, STEP_NAMES),
        steps=first(folded, TOTAL_NAMES),
        epoch=position(folded.get("epoch")),
        epochs=first(folded, EPOCHS_NAMES),
    )


def is_name(name: str) -> bool:
    return 0 < len(name) <= 64 and name.isprintable()


def as_float(value: float) -> float:
    """An integer too large for a float is as good as infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def first(numbers: Mapping[str, float], names: frozenset[str]) -> int | None:
    """The first of these names that counts something."""
    for name in sorted(names):
        value = position(numbers.get(name))
        if value is not None and value == int(value):
            return int(value)
    return None


def position(value: float | None) -> float | None:
    """A step or an epoch: not negative, and small enough to be counted exactly."""
    return float(value) if value is not None and 0 <= value < 10**LARGEST_COUNT else None


def from_text(text: str) -> Reading:
    bar = TQDM_BAR.search(text)
    place = bar or KERAS_BAR.search(text)
    step = STEP.search(text) or AFTER_EPOCH.search(text) or place
    epoch = EPOCH.search(text)
    return Reading(
        values=values_of(text),
        step=int(step[1]) if step else None,
        steps=int(step[2]) if step and step[2] else None,
        epoch=float(epoch[1]) if epoch else None,
        epochs=int(epoch[2]) if epoch and epoch[2] else None,
        bar=place is not None,
    )


def values_of(text: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for match in (*PAIR.finditer(text), *SPACED.finditer(text)):
        name = lowered(match["name"])
        if phase := match.groupdict().get("phase"):
            name = f"{PHASES.get(phase.lower(), 'val')}_{name}"
        if name.lower() not in IGNORED and len(values) < MOST_VALUES:
            values.setdefault(name, number(match["value"]))
    return values


def lowered(name: str) -> str:
    """Loss and LOSS are one quantity; a name that was written with care, such as mAP, stays."""
    return name.lower() if name.isupper() or name.istitle() else name
