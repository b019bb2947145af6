"""A pool's state in words: what is the matter with it and what to do."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.models import ResourcePool
from jobs_platform.health import pool_state

START_AGENT = _("Start its agent (manage.py agent); the agent's log says what it cannot reach.")


@dataclass(frozen=True, slots=True)
class Health:
    word: Promise | str
    tone: str
    key: str  # chooses the shape
    remedy: Promise | str = ""
    agent_age: float | None = None  # seconds
    watch_age: float | None = None  # seconds; None also where there is nothing to watch


FAULTS: dict[str, tuple[Promise, Promise]] = {
    "no agent yet": (_("No agent yet"), START_AGENT),
    "agent not seen lately": (_("Agent not seen lately"), START_AGENT),
    "cluster not seen yet": (
        _("Cluster not seen yet"), _("Check the pool (manage.py check_pool): it says what the cluster refuses."),
    ),
    "cluster not seen lately": (
        _("Cluster not seen lately"),
        _("Jobs there go on; their status may be old. Check the pool (manage.py check_pool)."),
    ),
}  # fmt: skip
FROZEN = (
    _("Frozen: too many of its jobs seem lost at once"),
    _("It thaws by itself when the cluster shows its jobs again; an operator may accept the loss in the admin."),
)


def health(pool: ResourcePool) -> Health:
    found = pool_state(pool)
    ages = {"agent_age": found["agentAgeSeconds"], "watch_age": found["watchAgeSeconds"]}
    if not pool.enabled:
        return Health(
            _("Switched off"), "waiting", "stopped", _("It takes no new jobs; an operator may enable it."), **ages
        )
    if found["status"] != "ready":
        word, remedy = FROZEN if found["status"].startswith("frozen") else FAULTS[found["status"]]
        return Health(word, "look", "look", remedy, **ages)
    if pool.draining:
        return Health(_("Draining"), "look", "look", _("Running jobs go on, waiting ones wait."), **ages)
    return Health(_("Ready"), "done", "succeeded", **ages)
