"""Train a small network on handwritten digits: `python train.py [--steps N] [--seed N]`.

Prints `step=… loss=… acc=…`, keeps a checkpoint in the working directory and goes on from it when started again, so
that a retried or resubmitted job loses nothing. SIGTERM writes the checkpoint and ends with exit code 143 (128 + 15).
"""

import argparse
import signal
import sys
import time
from pathlib import Path

import digits

TERMINATED = 128 + signal.SIGTERM


def arguments(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--steps", type=int, default=2000, help="steps in all, those of earlier runs included")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--batch", type=int, default=32, help="samples a step")
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate")
    parser.add_argument("--every", type=int, default=50, help="steps between two lines and two checkpoints")
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoint.json"))
    return parser.parse_args()


class StopRequest:
    """Becomes true when SIGTERM arrives; the loop looks at it between two steps, when the weights are whole."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self.ask)

    def ask(self, number: int, frame: object) -> None:
        self.asked = True


def say(**values: object) -> None:
    print(" ".join(f"{name}={value}" for name, value in values.items()), flush=True)


def train(options: argparse.Namespace) -> int:
    stop = StopRequest()
    training, test = digits.load()
    done, parameters = digits.restore(options.checkpoint, seed=options.seed)
    print(f"{len(training)} samples, starting after step {done} of {options.steps}", flush=True)
    began, losses = time.monotonic(), []
    for step in range(done + 1, options.steps + 1):
        batch = digits.batch_of(training, seed=options.seed, step=step, size=options.batch)
        slope, loss = digits.gradient(parameters, batch)
        digits.descend(parameters, slope, options.rate / len(batch))
        losses.append(loss / len(batch))
        if step % options.every == 0 or step == options.steps or stop.asked:
            acc = digits.accuracy(parameters, test)
            say(step=step, loss=f"{sum(losses) / len(losses):.4f}", acc=f"{acc:.4f}")
            digits.save(options.checkpoint, seed=options.seed, step=step, parameters=parameters)
            losses.clear()
        if stop.asked:
            print(f"told to stop: checkpoint written at step {step}", flush=True)
            return TERMINATED
    say(checksum=digits.checksum(parameters), seconds=f"{time.monotonic() - began:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(train(arguments("Train a small network on handwritten digits.")))
