"""Why an attempt does not run yet, and why it ended: from snapshots to the reasons and parameters of jobs.wording's
sentences. Pure: no Django, no network; whatever a cluster says, nothing here raises.

    why_waiting(snapshot, asked) → Finding?      while it is starting; Finding.stuck tells whether it may yet come
    diagnose(pods), diagnose_attempt(snapshot) → Ending?
    driven_out(pods) → Ending?                   before it has come: what takes pods away that still run
    evicted_by_queue(snapshot) → Ending?         what Kueue took back after it had let it run
    with_last_words(ending, lines) → Ending      with the end of the log of the pod that the ending names
"""

from jobs.cluster.diagnosis.ending import diagnose, diagnose_attempt, driven_out, params_of
from jobs.cluster.diagnosis.findings import Asked, Ending, Finding, Stuck
from jobs.cluster.diagnosis.kueue import evicted_by_queue
from jobs.cluster.diagnosis.last_words import with_last_words
from jobs.cluster.diagnosis.waiting import why_waiting

__all__ = [
    "Asked",
    "Ending",
    "Finding",
    "Stuck",
    "diagnose",
    "diagnose_attempt",
    "driven_out",
    "evicted_by_queue",
    "params_of",
    "why_waiting",
    "with_last_words",
]
