"""`manage.py bootstrap`: what a first start needs; run again, it changes nothing."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from jobs.bootstrap import ensure_admin, ensure_local_pool, ensure_project
from jobs_platform import env


class Command(BaseCommand):
    help = "Makes the first admin, a default project and, where it is enabled, the local pool with its queue."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            admin, generated = ensure_admin(env.text("ADMIN_PASSWORD"))
            ensure_project(admin)
            if settings.LOCAL_POOL_ENABLED:
                ensure_local_pool()
        if generated:
            self.stdout.write(f"First log-in: {admin.username} with the password {generated} (shown this once).")
