"""How long the components take, in seconds. A real cluster's values are in the comments; tests want them short."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    job_sync: float = 0.05  # 1: how long the Job controller collects changes of pods, so how late `ready` is
    job_backoff: float = 10.0  # 10: before the first retry of a failed pod, doubling
    create_retry: float = 1.0  # 1, growing: before pods that were refused are tried again
    schedule_retry: float = 1.0  # before an unschedulable pod is tried again without a reason
    bookmark: float = 60.0  # 60
    start: float = 0.0  # simulated pods alone: from bound to running
    stop: float = 0.0  # simulated pods alone: from deletion to gone
