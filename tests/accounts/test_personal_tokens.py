from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import ApiToken
from jobs.models import AuditEntry
from tests.api_client import ApiClient, details, error

pytestmark = pytest.mark.django_db
PATH = "/api/auth/tokens"


@pytest.fixture
def api(bob) -> ApiClient:
    return ApiClient(bob)


@pytest.fixture
def made(api) -> dict[str, str]:
    return api.post(PATH, {"name": "ci"}).json()["data"]


def me(secret: str):
    return ApiClient().get("/api/auth/me", authorization=f"Bearer {secret}")


def test_the_secret_is_shown_once_and_kept_as_a_hash(api, made):
    assert made["token"].startswith("pat_")
    assert made["prefix"] == made["token"][:12]
    assert me(made["token"]).json()["data"]["username"] == "bob"
    (listed,) = api.get(PATH).json()["data"]["tokens"]
    assert "token" not in listed
    assert made["token"] not in str(ApiToken.objects.values())


def test_it_expires(api, bob):
    made = api.post(PATH, {"name": "short", "expiresInDays": 1}).json()["data"]
    with time_machine.travel(timedelta(days=1, seconds=5)):
        assert error(me(made["token"])) == (401, "NOT_AUTHENTICATED")
        assert ApiClient(bob).get(PATH).json()["data"]["tokens"] == []


def test_it_lasts_ninety_days_unless_told_otherwise(made):
    expires = ApiToken.objects.get().expires_at
    assert abs(expires - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)


def test_revoking_ends_it_and_is_audited(api, made):
    assert api.delete(f"{PATH}/{made['tokenId']}").json() == {"success": True, "message": "Access token revoked"}
    assert error(me(made["token"])) == (401, "NOT_AUTHENTICATED")
    assert error(api.delete(f"{PATH}/{made['tokenId']}")) == (404, "NOT_FOUND")
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "object_id"))
    assert actions == [("token.create", made["prefix"]), ("token.revoke", made["prefix"])]


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 18])
def test_what_is_not_ones_own_cannot_be_revoked(api, pk):
    assert error(api.delete(f"{PATH}/{pk}")) == (404, "NOT_FOUND")


def test_somebody_elses_token_cannot_be_revoked(api, alice, made):
    assert error(ApiClient(alice).delete(f"{PATH}/{made['tokenId']}/")) == (404, "NOT_FOUND")
    assert me(made["token"]).status_code == 200


def test_a_token_cannot_make_or_revoke_tokens(made):
    anyone = ApiClient()
    header = {"authorization": f"Bearer {made['token']}"}
    assert error(anyone.get(PATH, **header)) == (403, "PERMISSION_DENIED")
    assert error(anyone.post(PATH, {"name": "more"}, **header)) == (403, "PERMISSION_DENIED")
    assert error(anyone.delete(f"{PATH}/{made['tokenId']}", **header)) == (403, "PERMISSION_DENIED")


def test_a_disabled_users_token_is_refused(bob, made):
    bob.is_active = False
    bob.save()
    assert error(me(made["token"])) == (401, "NOT_AUTHENTICATED")


def test_last_used_is_written_once_an_hour(made, django_assert_num_queries):
    me(made["token"])
    with django_assert_num_queries(2):
        me(made["token"])
    with time_machine.travel(timedelta(hours=2)):
        me(made["token"])
        assert ApiToken.objects.get().last_used_at > timezone.now() - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"name": "x", "expiresInDays": 0}, "expiresInDays"),
        ({"name": "x", "expiresInDays": 3651}, "expiresInDays"),
        ({"name": "x", "scopes": []}, "scopes"),
    ],
)
def test_a_wrong_body_is_refused_by_name(api, body, path):
    assert list(details(api.post(PATH, body))) == [path]


def test_there_is_a_most(api, bob):
    for number in range(50):
        ApiToken.issue(user=bob, name=str(number))
    assert "50" in details(api.post(PATH, {"name": "one more"}))["name"][0]
