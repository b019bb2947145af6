from datetime import timedelta

import pytest
import time_machine

from accounts.models import EndedLogin
from tests.api_client import ApiClient, details, error
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def log_in(client: ApiClient, username: str = "bob", password: str = PASSWORD):
    return client.post("/api/auth/token", {"username": username, "password": password})


@pytest.fixture
def anyone(bob) -> ApiClient:
    return ApiClient()


@pytest.fixture
def pair(anyone) -> dict[str, str]:
    return log_in(anyone).json()["data"]


def me(token: str):
    return ApiClient().get("/api/auth/me", authorization=f"Bearer {token}")


def refresh(token: str):
    return ApiClient().post("/api/auth/token/refresh", {"refresh": token})


def test_it_answers_a_pair_of_tokens(anyone, settings, bob):
    body = log_in(anyone).json()
    assert list(body) == ["success", "data"]
    assert list(body["data"]) == ["access", "refresh", "expiresIn"]
    assert body["data"]["expiresIn"] == 900
    bob.refresh_from_db()
    assert bob.last_login is not None


def test_a_wrong_password_and_an_unknown_user_look_alike(anyone):
    wrong, unknown = log_in(anyone, password="no"), log_in(anyone, username="nobody")
    assert error(wrong) == error(unknown) == (401, "NOT_AUTHENTICATED")
    assert wrong.json()["message"] == unknown.json()["message"]


def test_a_disabled_user_does_not_get_in(anyone, bob):
    bob.is_active = False
    bob.save()
    assert error(log_in(anyone)) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"username": "bob"}, "password"),
        ({"username": "bob", "password": 5}, "password"),
        ({"username": "b" * 151, "password": "x"}, "username"),
        ({"username": "bob", "password": "x" * 1025}, "password"),
        ({"username": "bob", "password": "x", "otp": 1}, "otp"),
    ],
)
def test_a_wrong_body_is_refused_by_name(anyone, body, path):
    assert list(details(anyone.post("/api/auth/token", body))) == [path]


def test_me_says_who_and_in_which_projects(pair, bob, alice, admin_user):
    assert me(pair["access"]).json()["data"] == {
        "username": "bob",
        "email": "",
        "isAdmin": False,
        "projects": [{"projectId": "default", "name": "Default", "role": "member"}],
    }
    everything = ApiClient(admin_user).get("/api/auth/me").json()["data"]
    assert everything["isAdmin"] is True
    assert everything["projects"] == [{"projectId": "default", "name": "Default", "role": "admin"}]


def test_a_call_costs_one_query_to_know_who(pair, django_assert_num_queries):
    with django_assert_num_queries(2):
        me(pair["access"])


@pytest.mark.parametrize(
    "header", ["", "Basic Ym9iOng=", "Bearer", "Bearer ", "Bearer x", "Bearer a b", "Bearer é", "Bearer pat_x", "x"]
)
def test_other_credentials_are_none(anyone, header):
    response = anyone.get("/api/auth/me", authorization=header)
    assert error(response) == (401, "NOT_AUTHENTICATED")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_the_scheme_may_be_in_any_case(pair):
    assert ApiClient().get("/api/auth/me", authorization=f"bearer {pair['access']}").status_code == 200


def test_an_expired_access_token_says_so(pair):
    assert me(pair["access"]).status_code == 200
    with time_machine.travel(timedelta(seconds=901)):
        response = me(pair["access"])
    assert error(response) == (401, "TOKEN_EXPIRED")
    assert "/api/auth/token/refresh" in response.json()["message"]


def test_a_refresh_token_is_no_access_token_nor_the_other_way(pair):
    assert error(me(pair["refresh"])) == (401, "NOT_AUTHENTICATED")
    assert error(refresh(pair["access"])) == (401, "NOT_AUTHENTICATED")


def test_a_token_signed_with_another_key_is_refused(bob):
    import jwt

    forged = jwt.encode({"token_type": "access", "user_id": str(bob.pk), "exp": 2**31, "jti": "x"}, "y" * 50)
    unsigned = jwt.encode({"token_type": "access", "user_id": str(bob.pk), "exp": 2**31, "jti": "x"}, "", "none")
    assert error(me(forged)) == error(me(unsigned)) == (401, "NOT_AUTHENTICATED")


def test_refresh_brings_a_new_pair_and_the_old_access_goes_on(pair):
    renewed = refresh(pair["refresh"]).json()["data"]
    assert renewed["refresh"] != pair["refresh"]
    assert me(renewed["access"]).status_code == me(pair["access"]).status_code == 200


def test_a_refresh_token_works_once_and_its_reuse_ends_the_login(pair):
    renewed = refresh(pair["refresh"]).json()["data"]
    assert error(refresh(pair["refresh"])) == (401, "NOT_AUTHENTICATED")
    assert error(me(renewed["access"])) == (401, "NOT_AUTHENTICATED")
    assert error(refresh(renewed["refresh"])) == (401, "NOT_AUTHENTICATED")


def test_an_expired_refresh_token_says_so(pair):
    with time_machine.travel(timedelta(days=8)):
        assert error(refresh(pair["refresh"])) == (401, "TOKEN_EXPIRED")


def test_a_refresh_is_not_stored_while_it_works(pair):
    from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

    assert not OutstandingToken.objects.exists()


def test_a_new_password_revokes_every_token(pair, bob):
    bob.set_password("another password")
    bob.save()
    assert error(me(pair["access"])) == (401, "NOT_AUTHENTICATED")
    assert error(refresh(pair["refresh"])) == (401, "NOT_AUTHENTICATED")


def test_disabling_a_user_revokes_every_token(pair, bob):
    bob.is_active = False
    bob.save()
    assert error(me(pair["access"])) == (401, "NOT_AUTHENTICATED")
    assert error(refresh(pair["refresh"])) == (401, "NOT_AUTHENTICATED")


def test_logout_ends_this_login_and_no_other(pair, anyone):
    other = log_in(anyone).json()["data"]
    response = ApiClient().post("/api/auth/logout", authorization=f"Bearer {pair['access']}")
    assert response.json() == {"success": True, "message": "Logged out"}
    assert error(me(pair["access"])) == (401, "NOT_AUTHENTICATED")
    assert error(refresh(pair["refresh"])) == (401, "NOT_AUTHENTICATED")
    assert me(other["access"]).status_code == 200


def test_logout_works_with_the_refresh_token_alone(pair):
    with time_machine.travel(timedelta(seconds=901)):
        assert ApiClient().post("/api/auth/logout/", {"refresh": pair["refresh"]}).status_code == 200
        assert error(refresh(pair["refresh"])) == (401, "NOT_AUTHENTICATED")
    assert EndedLogin.objects.count() == 1


def test_logout_needs_something_to_end(anyone):
    assert error(anyone.post("/api/auth/logout")) == (401, "NOT_AUTHENTICATED")
    assert error(anyone.post("/api/auth/logout", {"refresh": "x"})) == (401, "NOT_AUTHENTICATED")
