"""`manage.py issue_token USER`: an access token for who has the machine but not the password, such as `make demo`."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, User
from jobs.models import AuditEntry


class Command(BaseCommand):
    help = "Prints a new personal access token of the user, the only time it can be seen. It is audited."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own name and form)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="issue_token", help="what it is for, shown in the list of tokens")
        parser.add_argument("--minutes", type=int, default=60, help="how long it is good for")

    def handle(self, *args: Any, username: str, name: str, minutes: int, **options: Any) -> str:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user named {username}.")
        with transaction.atomic():
            expires_at = timezone.now() + timedelta(minutes=minutes)
            token, secret = ApiToken.issue(user=user, name=name, expires_at=expires_at)
            AuditEntry.objects.create(
                actor=user,
                actor_name="manage.py",
                action="token.create",
                object_id=token.prefix,
                detail={"name": name, "user": username},
            )
        return secret
