"""The loss of jobs as small lines for the list: read out of what their first replica printed, a bounded part a time."""

from collections.abc import Iterable, Sequence

from jobs.logs.filesystem import configured_store
from jobs.logs.store import LogKey
from jobs.metrics.kept import look
from jobs.metrics.scan import State
from jobs.metrics.series import Series
from jobs.models import Job

BUDGET = 256 << 10  # bytes of each log that one look takes in
POINTS = 60
WIDTH, HEIGHT = 60, 16
LOSS = "loss"


def losses(jobs: Iterable[Job]) -> dict[str, dict[str, str]]:
    """By job id: the drawn path, the last value, and the series' name. Jobs that told of no loss are left out."""
    found = ((job, loss_of(job)) for job in jobs if job.attempt_number)
    return {job.public_id: shown(*one) for job, one in found if one is not None}


def loss_of(job: Job) -> tuple[str, Series] | None:
    """A log that cannot be read just now has none."""
    try:
        state, _whole = look(configured_store(), LogKey(job.public_id, job.attempt_number, 0), BUDGET)
    except OSError:
        return None
    return chosen(state)


def chosen(state: State) -> tuple[str, Series] | None:
    """The training's own loss rather than a part of it or another phase's: the shortest name wins."""
    names = [name for name, series in state.series.items() if LOSS in name.lower() and len(series.points) > 1]
    best = min(names, key=lambda name: (len(name), name), default=None)
    return None if best is None else (best, state.series[best])


def shown(name: str, series: Series) -> dict[str, str]:
    values = [point.mean for point in series.points]
    step = max(1, -(-len(values) // POINTS))
    return {"name": name, "last": f"{series.points[-1].last:.4g}", "path": path([*values[::-step]][::-1])}


def path(values: Sequence[float]) -> str:
    """The d of an SVG path over the whole box; one level when all are the same."""
    least, most = min(values), max(values)
    span = (most - least) or 1.0
    across = WIDTH / max(1, len(values) - 1)
    points = (
        f"{at * across:.1f} {HEIGHT - 1 - (HEIGHT - 2) * (value - least) / span:.1f}" for at, value in enumerate(values)
    )
    return "M" + "L".join(points)
