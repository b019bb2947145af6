"""The training of train.py, data-parallel: every rank works on its share of each batch, and they add up gradients.

Start it as a job with `"replicas": 2`; by hand, give each process RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.
Rank 0 reads and writes the checkpoint and hands its weights to the others at the start, so the ranks need no shared
disk. When one rank gets SIGTERM, all of them stop after the same step.
"""

import argparse
import sys
import time
from array import array

import digits
from allreduce import Ranks
from train import TERMINATED, StopRequest, arguments, say


def together(ranks: Ranks, options: argparse.Namespace) -> tuple[int, digits.Parameters]:
    """Rank 0's checkpoint or fresh start, at every rank: a sum to which the others add zeros."""
    done, parameters = 0, digits.zeros()
    if ranks.rank == 0:
        done, parameters = digits.restore(options.checkpoint, seed=options.seed)
    values = ranks.sum(array("d", [done, *digits.flatten(parameters)]))
    return int(values[0]), digits.unflatten(values[1:])


def train(ranks: Ranks, options: argparse.Namespace) -> int:
    stop = StopRequest()
    training, test = digits.load()
    done, parameters = together(ranks, options)
    print(f"rank {ranks.rank} of {ranks.size}, starting after step {done} of {options.steps}", flush=True)
    began, losses = time.monotonic(), []
    for step in range(done + 1, options.steps + 1):
        batch = digits.batch_of(training, seed=options.seed, step=step, size=options.batch)
        slope, loss = digits.gradient(parameters, batch[ranks.rank :: ranks.size])
        summed = ranks.sum(array("d", [stop.asked, loss, *digits.flatten(slope)]))
        digits.descend(parameters, digits.unflatten(summed[2:]), options.rate / len(batch))
        losses.append(summed[1] / len(batch))
        stopping = summed[0] > 0
        if step % options.every == 0 or step == options.steps or stopping:
            acc = digits.accuracy(parameters, test)
            say(rank=ranks.rank, step=step, loss=f"{sum(losses) / len(losses):.4f}", acc=f"{acc:.4f}")
            losses.clear()
            if ranks.rank == 0:
                digits.save(options.checkpoint, seed=options.seed, step=step, parameters=parameters)
        if stopping:
            print(f"told to stop after step {step}", flush=True)
            return TERMINATED
    say(rank=ranks.rank, checksum=digits.checksum(parameters), seconds=f"{time.monotonic() - began:.1f}")
    return 0


if __name__ == "__main__":
    wanted = arguments("Train a small network on handwritten digits, on several replicas.")
    with Ranks() as all_ranks:
        sys.exit(train(all_ranks, wanted))
