"""`manage.py doctor`: is everything there that the platform needs, and what to do where it is not."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from jobs.doctor import examine
from jobs.findings import as_text, has_problem


class Command(BaseCommand):
    help = "Looks at every dependency of the platform. Exit code 1 when something must be put right."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own name and form)

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            found = examine()
        self.stdout.write(as_text(found))
        if has_problem(found):
            sys.exit(1)
