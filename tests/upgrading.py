"""Brings an empty database to an earlier schema, fills it, migrates it to today's, and tells as JSON what is found:
`python -m tests.upgrading`. A process of its own, as the migrations of a test's database must not be undone."""

import json
import os
import sys
from typing import Any

import django

BEFORE = [("accounts", "0001_initial"), ("jobs", "0002_search_and_counts")]
JOBS = 300
STATUSES = ("Succeeded", "Failed", "Running")


def fill(apps: Any) -> None:
    user = apps.get_model("accounts", "User").objects.create(username="ada", password="!")
    project = apps.get_model("accounts", "Project").objects.create(slug="vision", name="Vision")
    apps.get_model("accounts", "Membership").objects.create(user=user, project=project, role="member")
    pool = apps.get_model("jobs", "ResourcePool").objects.create(name="local", kind="local", is_default=True)
    queue = apps.get_model("jobs", "Queue").objects.create(pool=pool, name="default", is_default=True)
    job, attempt = apps.get_model("jobs", "Job"), apps.get_model("jobs", "Attempt")
    for number in range(JOBS):
        name = f"resnet run {number:03d}"
        made = job.objects.create(
            name=name, status=STATUSES[number % len(STATUSES)], config={"jobName": name},
            labels={"n": str(number)}, owner=user, project=project, pool=pool, queue=queue, attempt_number=1,
        )  # fmt: skip
        attempt.objects.create(job=made, number=1)


def found() -> dict[str, Any]:
    from accounts.models import User
    from jobs.models import Job, JobCount

    user = User.objects.get(username="ada")
    counts = JobCount.objects.filter(project__slug="vision").values_list("status", "count")
    return {
        "jobs": list(Job.objects.visible_to(user).order_by("id").values_list("name", "labels", "attempts__number")),
        "counts": dict(counts),
        "matching": Job.objects.visible_to(user).matching("RUN 01").count(),
        "defaults": list(User.objects.values_list("timezone", flat=True)),
    }


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "jobs_platform.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    fill(executor.migrate(BEFORE).apps)
    call_command("migrate", verbosity=0)
    sys.stdout.write(json.dumps(found()))


if __name__ == "__main__":
    main()
