"""`manage.py check_log_storage`: whether the platform can use the bucket that LOG_OBJECT_URL names."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs.logs.objects.bucket import Bucket
from jobs.logs.objects.probe import probe


class Command(BaseCommand):
    help = "Writes, reads, lists and removes a small object in the bucket for old logs. Exit code 1 when a step fails."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.LOG_OBJECTS is None:
            raise CommandError("LOG_OBJECT_URL is not set: logs are kept on this machine's disk alone.")
        self.stdout.write(f"{settings.LOG_OBJECTS!r}")
        problem = ""
        for step, problem in probe(Bucket(settings.LOG_OBJECTS)):
            self.stdout.write(f"{step:<14}{problem or 'ok'}")
        if problem:
            sys.exit(1)
