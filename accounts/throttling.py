"""Log-in throttling: django-axes with three limits instead of one, for the API, the pages and the admin alike.

Failures of the last AXES_COOLOFF_TIME count:

    account and address   LOGIN_FAILURE_LIMIT          the usual guesser; hurts nobody else
    address alone         LOGIN_ADDRESS_FAILURE_LIMIT  one machine that tries many accounts
    account alone         LOGIN_ACCOUNT_FAILURE_LIMIT  many machines that try one account

A lock by account alone would let a stranger keep a user out from everywhere. So that one does not hold at addresses
where the user has logged in within KnownAddress.KNOWN_FOR: the owner goes on from where they usually are, the others
wait.
An address is an IPv4 address or an IPv6 /64, of which one machine has all.

A refused attempt is not checked against the password and not counted, so a lock ends when it says it ends.
"""

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import browser_sessions
from accounts.models import KnownAddress, User
from jobs_platform.api.envelope import failure_response
from jobs_platform.api.fallbacks import is_api
from jobs_platform.client_address import client_address

BY_PAIR = _(
    "Log-in to this account is paused for your address after %(failures)s wrong passwords. "
    "Try again in %(seconds)s s, with the right password or one that an admin has reset."
)
BY_ADDRESS = _(
    "Log-in is paused for your address after %(failures)s wrong passwords for several accounts. "
    "Try again in %(seconds)s s, or from another network."
)
BY_ACCOUNT = _(
    "Log-in to this account is paused after %(failures)s wrong passwords from many addresses. Try again in "
    "%(seconds)s s, or from a place where you have logged in before."
)


@dataclass(frozen=True, slots=True)
class Lock:
    sentence: str | Promise
    failures: int
    until: datetime

    def seconds(self) -> int:
        return max(1, math.ceil((self.until - timezone.now()).total_seconds()))

    def message(self, seconds: int) -> str:
        return str(self.sentence) % {"failures": self.failures, "seconds": seconds}


class LoginThrottle(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """AXES_HANDLER. Leaves `login_lock`, a Lock or None, on the request."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """axes compares this with its one limit: reached when one of ours is."""
        lock = find_lock(get_client_username(request, credentials), throttled_address(request))
        request.login_lock = lock  # type: ignore[attr-defined]
        return settings.AXES_FAILURE_LIMIT if lock else 0

    def user_logged_in(self, sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
        super().user_logged_in(sender, request, user, **kwargs)
        remember(user, throttled_address(request))
        browser_sessions.seen(request, user)


def find_lock(username: str | None, address: str | None) -> Lock | None:
    for rule in (lock_by_pair, lock_by_address, lock_by_account):
        if lock := rule(username, address):
            return lock
    return None


def lock_by_pair(username: str | None, address: str | None) -> Lock | None:
    return over(BY_PAIR, settings.AXES_FAILURE_LIMIT, username=username, ip_address=address)


def lock_by_address(username: str | None, address: str | None) -> Lock | None:
    return over(BY_ADDRESS, settings.LOGIN_ADDRESS_FAILURE_LIMIT, ip_address=address)


def lock_by_account(username: str | None, address: str | None) -> Lock | None:
    lock = over(BY_ACCOUNT, settings.LOGIN_ACCOUNT_FAILURE_LIMIT, username=username)
    return None if lock and is_known(username, address) else lock


def over(sentence: str | Promise, limit: int, **attempts: str | None) -> Lock | None:
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    found = AccessAttempt.objects.filter(attempt_time__gte=since, **attempts).aggregate(
        failures=Sum("failures_since_start"), last=Max("attempt_time")
    )
    if (found["failures"] or 0) < limit:
        return None
    return Lock(sentence, found["failures"], found["last"] + settings.AXES_COOLOFF_TIME)


def is_known(username: str | None, address: str | None) -> bool:
    since = timezone.now() - KnownAddress.KNOWN_FOR
    known = KnownAddress.objects.filter(user__username=username, address=address or "", last_login_at__gte=since)
    return known.exists()


def remember(user: User, address: str | None) -> None:
    if address:
        now = timezone.now()
        KnownAddress.objects.update_or_create(user=user, address=address, defaults={"last_login_at": now})
        KnownAddress.objects.filter(user=user, last_login_at__lt=now - KnownAddress.KNOWN_FOR).delete()


def throttled_address(request: HttpRequest) -> str | None:
    """AXES_CLIENT_IP_CALLABLE. None where there is no IP address, as on a Unix socket."""
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped:
        return str(getattr(address, "ipv4_mapped", None) or address)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)).network_address)


def locked_response(request: HttpRequest, response: HttpResponse | None, credentials: Any = None) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: 429 as the API or as a page, saying why and for how long."""
    lock: Lock | None = getattr(request, "login_lock", None)
    seconds = lock.seconds() if lock else int(settings.AXES_COOLOFF_TIME.total_seconds())
    message = lock.message(seconds) if lock else BY_PAIR % {"failures": settings.AXES_FAILURE_LIMIT, "seconds": seconds}
    headers = {"Retry-After": str(seconds)}
    if is_api(request):
        return failure_response(429, "THROTTLED", message, headers=headers)
    page = render(request, "accounts/locked.html", {"message": message, "seconds": seconds}, status=429)
    page.headers["Retry-After"] = str(seconds)
    return page
