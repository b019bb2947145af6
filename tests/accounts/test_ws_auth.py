"""Who opens a WebSocket, and how it is asked again later."""

import pytest
from django.test import Client

from accounts import logins
from accounts.credentials import user_of
from accounts.models import ApiToken
from accounts.ws_auth import identify

pytestmark = pytest.mark.django_db


def scope(**headers: str):
    return {"type": "websocket", "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]}


@pytest.fixture
def cookie(bob) -> str:
    client = Client()
    client.force_login(bob)
    return f"a=b; sessionid={client.session.session_key}; csrftoken=x"


def test_a_bearer_header(bob):
    found = identify(scope(authorization=f"Bearer {logins.begin(bob).access}"))
    assert (found["user"], found["auth"], found["auth_subprotocol"]) == (bob, "bearer", None)


def test_a_token_as_a_subprotocol(bob):
    _token, secret = ApiToken.issue(user=bob, name="x")
    found = identify(scope(sec_websocket_protocol=f"bearer, {secret}"))
    assert (found["user"], found["auth"], found["auth_subprotocol"]) == (bob, "bearer", "bearer")


def test_a_session_cookie(bob, cookie):
    found = identify(scope(cookie=cookie))
    assert (found["user"], found["auth"]) == (bob, "session")


@pytest.mark.parametrize(
    "headers",
    [{}, {"cookie": "sessionid=x"}, {"cookie": "\x00;;="}, {"authorization": "Basic x"}, {"cookie": "sessionid="}],
)
def test_nobody(headers):
    found = identify(scope(**headers))
    assert found["user"].is_anonymous
    assert (found["auth"], found["credential"], found["auth_error"]) == (None, None, "")


def test_a_wrong_token_is_not_made_up_for_by_a_cookie(cookie):
    for headers in ({"authorization": "Bearer x"}, {"sec_websocket_protocol": "bearer, x"}):
        found = identify(scope(cookie=cookie, **headers))
        assert found["user"].is_anonymous
        assert found["auth_error"] == "NOT_AUTHENTICATED"


@pytest.fixture(params=["login", "token", "session"])
def credential(request, bob, cookie):
    headers = {
        "login": lambda: {"authorization": f"Bearer {logins.begin(bob).access}"},
        "token": lambda: {"authorization": f"Bearer {ApiToken.issue(user=bob, name='x')[1]}"},
        "session": lambda: {"cookie": cookie},
    }[request.param]()
    return identify(scope(**headers))["credential"]


def test_a_credential_can_be_asked_again(credential, bob):
    assert user_of(credential.key) == bob
    assert len(credential.key) <= 64


def test_a_disabled_user_has_lost_it(credential, bob):
    bob.is_active = False
    bob.save()
    assert user_of(credential.key) is None


def test_a_new_password_ends_log_ins_but_no_personal_token(credential, bob):
    bob.set_password("another password")
    bob.save()
    assert (user_of(credential.key) is None) is not credential.key.startswith("token:")


def test_logging_out_or_revoking_ends_it(credential, bob):
    kind, _, rest = credential.key.partition(":")
    if kind == "login":
        logins.end_by_key(credential.key)
    elif kind == "token":
        ApiToken.objects.filter(pk=rest).delete()
    else:
        from django.contrib.sessions.models import Session

        Session.objects.filter(pk=rest).delete()
    assert user_of(credential.key) is None


@pytest.mark.parametrize(
    "key", ["", "x", "login:", "login:1", "login:1:2:", "login:٣:a:b", "token:x", "session:", "token:²"]
)
def test_what_is_no_key_is_nobody(key):
    assert user_of(key) is None
