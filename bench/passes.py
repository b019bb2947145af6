"""What one worker alone does in a second: a part of `python -m bench.reconcile`, in a process and on a database of its
own. No agent and no web server run beside it; the cluster double does, as another process.

    fill N            submits N jobs to the default pool of the instance that DATABASE_URL names
    measure N URL     N jobs to Running and to their ends, by the worker's own passes; URL is the double's
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import django

from bench.cluster import Double

if TYPE_CHECKING:
    from jobs.cluster.base import AttemptSnapshot
    from jobs.models import ResourcePool

CONFIG = {"jobName": "bench", "image": "bench", "command": ["train"], "resources": {"cpu": "1", "memory": "1Gi"}}
SLICE = 500


def submit(number: int) -> None:
    from accounts.models import User
    from jobs import services

    actor = User.objects.get(username="admin")
    for _ in range(number):
        services.submit(actor=actor, config=CONFIG, secrets={}, origin=services.Origin())


def pool() -> "ResourcePool":
    """With a fresh watch, as where an agent runs."""
    from django.utils import timezone

    from jobs.models import ResourcePool

    ResourcePool.objects.filter(is_default=True).update(watched_at=timezone.now())
    return ResourcePool.objects.get(is_default=True)


def make_due() -> None:
    from django.utils import timezone

    from jobs.models import Job

    Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)


def timed(what: str, number: int, act: Callable[[], object], baseline: float = 0.0) -> float:
    """Prints the rate, and answers the seconds."""
    began, used = time.perf_counter(), time.process_time()
    act()
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    ratio = f"  {seconds / baseline:5.1f} x baseline" if baseline else ""
    rate = f"{number / seconds:7.0f}/s"
    print(
        f"{what:<44} n={number:<6} {seconds:7.2f} s  {rate}  {cpu / number * 1e6:5.0f} µs CPU each{ratio}", flush=True
    )
    return seconds


def raw_updates() -> None:
    """The same change in plain SQL, as many rows: one UPDATE a row, 500 to a transaction."""
    from django.db import connection, transaction

    from jobs.models import Job

    keys = list(Job.objects.values_list("pk", flat=True))
    sql = "UPDATE jobs_job SET status = status, version = version + 1, observed_at = created_at WHERE id = %s"
    for start in range(0, len(keys), SLICE):
        with transaction.atomic(), connection.cursor() as cursor:
            for key in keys[start : start + SLICE]:
                cursor.execute(sql, [key])


def reconcile_all() -> None:
    from jobs.reconcile import loop

    while loop.reconcile(pool()):
        pass


def wait_for_pods(fits: "Callable[[AttemptSnapshot], bool]") -> None:
    """Until the double shows it of every attempt: not part of what is measured."""
    from jobs.cluster.base import ObjectRef, Present
    from jobs.clusters import cluster_for
    from jobs.models import Attempt

    rows = Attempt.objects.values_list("job__public_id", "number", "cluster_uid")
    left = [ObjectRef(*row) for row in rows]
    while left:
        seen = cluster_for(pool()).observe(left)
        left = [ref for ref in left if not (isinstance(one := seen[ref], Present) and fits(one.snapshot))]
        time.sleep(0.2 if left else 0)


def measure(number: int, double: Double) -> None:
    from django.core.management import call_command

    from accounts.models import Membership, Project, User
    from jobs import pools, wakeups
    from jobs.models import Job, ResourcePool

    call_command("migrate", verbosity=0)
    project = Project.objects.create(slug="default", name="Default")
    Membership.objects.create(user=User.objects.create_superuser("admin"), project=project, role="admin")
    wakeups.wake = lambda pool_id: True  # there is nobody to wake
    pools.add(ResourcePool(name="double", kind="kubernetes", is_default=True, options={"kubeconfig": "double"}))
    timed("submit (services.submit)", number, lambda: submit(number))
    timed("admit and launch, eight creates at a time", number, reconcile_all)
    wait_for_pods(lambda snapshot: snapshot.all_running)
    baseline = timed("one plain UPDATE a row (baseline)", number, raw_updates)
    make_due()
    timed("Starting → Running", number, reconcile_all, baseline)
    make_due()
    timed("Running, nothing new", number, reconcile_all, baseline)
    double.finish()
    wait_for_pods(lambda snapshot: snapshot.all_over)
    make_due()
    timed("Running → Succeeded", number, reconcile_all, baseline)
    if Job.objects.filter(status="Succeeded").count() != number:
        raise SystemExit("not all jobs succeeded")


def main(arguments: Sequence[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_platform.settings")
    django.setup()
    actions: dict[str, Any] = {
        "fill": lambda number: submit(int(number)),
        "measure": lambda number, url: measure(int(number), Double(url)),
    }
    actions[arguments[0]](*arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
