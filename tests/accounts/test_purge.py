from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts import logins
from accounts.models import EndedLogin, KnownAddress
from accounts.purge import purge_expired
from jobs.tasks import purge

pytestmark = pytest.mark.django_db


@pytest.fixture
def traces(bob, client) -> None:
    pair = logins.begin(bob)
    logins.end_by_refresh(logins.renew(pair.refresh).refresh)
    KnownAddress.objects.create(user=bob, address="203.0.113.7")
    client.force_login(bob)


def left() -> int:
    from django.contrib.sessions.models import Session

    return sum(model.objects.count() for model in (EndedLogin, OutstandingToken, KnownAddress, Session))


def test_what_still_decides_something_stays(traces):
    before = left()
    assert purge_expired(timezone.now()) == 0
    assert left() == before == 4


def test_what_has_expired_goes(traces):
    purge_expired(timezone.now() + timedelta(days=91))
    assert left() == 0


def test_the_periodic_task_does_it(traces):
    EndedLogin.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    purge()
    assert not EndedLogin.objects.exists()
