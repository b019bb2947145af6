"""What a diagnosis says. Reasons and parameters are those of jobs.wording's sentences. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jobs.cluster.base import Resources
from jobs.states import EndReason


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an attempt ends, with the parameters of jobs.wording's sentence."""

    reason: EndReason
    params: dict[str, Any] = field(default_factory=dict)


class Stuck(StrEnum):
    """Whether what an attempt waits for may come by itself. Only NO is false."""

    NO = ""  # room, quota, a registry's answer: the cluster goes on trying, and may succeed
    YES = "stuck"  # somebody has to mend something first
    NEVER = "never"  # what was submitted cannot start anywhere


@dataclass(frozen=True, slots=True)
class Finding:
    """Why an attempt does not run yet. `ending`: what it ends with when it is given up for this; None where waiting is
    right however long it takes."""

    reason: str
    params: dict[str, Any] = field(default_factory=dict)
    stuck: Stuck = Stuck.NO
    ending: EndReason | None = None

    @property
    def as_ending(self) -> Ending | None:
        return Ending(self.ending, self.params) if self.ending else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the platform knows of an attempt and its snapshot does not show: it makes sentences more exact."""

    resources: Resources = field(default_factory=Resources)
    gpu_resource: str = "nvidia.com/gpu"
    kueue_queue: str = ""
    image: str = ""
