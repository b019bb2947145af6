"""Calls to a cluster for several jobs of a pass: side by side where the cluster is far away and each call is a wait."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from jobs.cluster.base import Cluster
from jobs.reconcile.work import Work


def each(cluster: Cluster, works: Sequence[Work], call: Callable[[Work], None]) -> None:
    """`call` raises nothing and asks no database: its threads would each keep a connection of their own."""
    width = min(cluster.concurrency, len(works))
    if width <= 1:
        for work in works:
            call(work)
        return
    with ThreadPoolExecutor(width, thread_name_prefix="cluster") as threads:
        for _done in threads.map(call, works):
            pass
