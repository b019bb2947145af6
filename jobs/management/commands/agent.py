"""`manage.py agent [POOL …]`: watches pools and passes what it sees on to the worker."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.agent.main import run
from jobs.models import ResourcePool


class Command(BaseCommand):
    help = "Watch resource pools (all enabled ones, or those named) and wake the worker when something changes."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own name and form)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pools", nargs="*", metavar="POOL")

    def handle(self, *args: Any, **options: Any) -> None:
        named: list[str] = options["pools"]
        known = ResourcePool.objects.filter(name__in=named).values_list("name", flat=True)
        if missing := set(named) - set(known):
            raise CommandError(f"There is no resource pool named {', '.join(sorted(missing))}.")
        asyncio.run(run(named))
