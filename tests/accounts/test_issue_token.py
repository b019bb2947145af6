"""A token for who has the machine: `manage.py issue_token`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ApiToken, User
from jobs.models import AuditEntry


def test_it_prints_a_token_of_the_user_that_ends_by_itself(alice: User) -> None:
    output = StringIO()
    call_command("issue_token", "alice", minutes=5, stdout=output)
    token = ApiToken.objects.get(digest=ApiToken.digest_of(output.getvalue().strip()))
    assert token.user == alice
    assert token.expires_at
    assert 0 < (token.expires_at - timezone.now()).total_seconds() <= 300
    assert AuditEntry.objects.get(action="token.create").object_id == token.prefix


def test_it_refuses_a_name_that_nobody_active_has(alice: User) -> None:
    with pytest.raises(CommandError, match="nobody"):
        call_command("issue_token", "nobody")
    alice.is_active = False
    alice.save()
    with pytest.raises(CommandError, match="alice"):
        call_command("issue_token", "alice")
    assert not ApiToken.objects.exists()
