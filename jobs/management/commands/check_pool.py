"""`manage.py check_pool NAME`: whether the platform can use a Kubernetes pool as it is set up."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from jobs import pool_check
from jobs.findings import as_text, has_problem
from jobs.models import ResourcePool


class Command(BaseCommand):
    help = "Asks a pool's cluster for all that the platform needs of it. Exit code 1 when something must be put right."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the pool's id")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        pool = ResourcePool.objects.filter(name=name).first()
        if pool is None:
            raise CommandError(f"There is no pool {name}. manage.py add_pool makes one.")
        if pool.kind != ResourcePool.KUBERNETES:
            raise CommandError(f"Pool {name} is of kind {pool.kind}: only Kubernetes pools are checked.")
        with translation.override("en"):
            found = pool_check.check(pool)
        self.stdout.write(as_text(found))
        if has_problem(found):
            sys.exit(1)
