"""Log-in throttling by account and address (S11), alike for API, page and admin."""

from datetime import timedelta

import pytest
import time_machine

from tests.api_client import ApiClient, error
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"


def log_in(username: str, password: str, address: str):
    api = ApiClient()
    api.http.defaults["REMOTE_ADDR"] = address
    return api.post("/api/auth/token", {"username": username, "password": password})


def fail(times: int, username: str = "bob", address: str = HOME):
    return [log_in(username, "wrong", address) for _ in range(times)][-1]


def test_five_wrong_passwords_pause_the_account_for_the_address(bob):
    assert error(fail(4)) == (401, "NOT_AUTHENTICATED")
    assert error(fail(1)) == (429, "THROTTLED")
    response = log_in("bob", PASSWORD, HOME)
    assert error(response) == (429, "THROTTLED")
    assert 295 <= int(response["Retry-After"]) <= 300
    assert response["Retry-After"] in response.json()["message"]


def test_the_pause_ends_when_it_says_although_one_keeps_trying(bob):
    seconds = int(fail(5)["Retry-After"])
    with time_machine.travel(timedelta(seconds=seconds // 2)):
        fail(3)
    with time_machine.travel(timedelta(seconds=seconds + 1)):
        assert log_in("bob", PASSWORD, HOME).status_code == 200


def test_elsewhere_and_for_others_log_in_goes_on(bob, alice):
    fail(5)
    assert log_in("bob", PASSWORD, ELSEWHERE).status_code == 200
    assert log_in("alice", PASSWORD, HOME).status_code == 200


def test_the_right_password_forgets_earlier_failures(bob):
    fail(4)
    assert log_in("bob", PASSWORD, HOME).status_code == 200
    assert error(fail(4)) == (401, "NOT_AUTHENTICATED")


def test_one_address_that_tries_many_accounts_is_paused(bob, settings):
    settings.LOGIN_ADDRESS_FAILURE_LIMIT = 6
    for number in range(6):
        fail(1, f"user{number}")
    response = log_in("bob", PASSWORD, HOME)
    assert error(response) == (429, "THROTTLED")
    assert "several accounts" in response.json()["message"]
    assert log_in("bob", PASSWORD, ELSEWHERE).status_code == 200


def test_many_addresses_that_try_one_account_do_not_lock_its_owner_out(bob, settings):
    settings.LOGIN_ACCOUNT_FAILURE_LIMIT = 6
    assert log_in("bob", PASSWORD, HOME).status_code == 200
    for number in range(6):
        fail(1, address=f"192.0.2.{number}")
    assert error(log_in("bob", PASSWORD, ELSEWHERE)) == (429, "THROTTLED")
    assert log_in("bob", PASSWORD, HOME).status_code == 200


def test_an_ipv6_machine_is_its_whole_network(bob):
    for number in range(5):
        fail(1, address=f"2001:db8:1:2::{number}")
    assert error(log_in("bob", PASSWORD, "2001:db8:1:2:ffff::1")) == (429, "THROTTLED")
    assert log_in("bob", PASSWORD, "2001:db8:1:3::1").status_code == 200


def test_an_unknown_account_is_paused_alike(db):
    assert error(fail(5, "nobody")) == (429, "THROTTLED")


def test_a_lock_of_the_api_holds_in_the_admin_and_says_so_in_a_page(admin_user, client):
    fail(5, "admin")
    client.defaults["REMOTE_ADDR"] = HOME
    response = client.post("/admin/login/", {"username": "admin", "password": "password"})
    assert response.status_code == 429
    assert response["Retry-After"]
    assert response["Retry-After"] in response.content.decode()
    assert "sessionid" not in response.cookies


def test_failures_in_the_admin_lock_the_api(admin_user, client):
    client.defaults["REMOTE_ADDR"] = HOME
    for _ in range(5):
        response = client.post("/admin/login/", {"username": "admin", "password": "wrong"})
    assert response.status_code == 429
    assert error(log_in("admin", "password", HOME)) == (429, "THROTTLED")


def test_the_clients_claim_of_an_address_counts_only_behind_a_proxy(bob, settings):
    api = ApiClient()
    for number in range(5):
        body = {"username": "bob", "password": "wrong"}
        response = api.post("/api/auth/token", body, x_forwarded_for=f"192.0.2.{number}")
    assert error(response) == (429, "THROTTLED")
    settings.TRUSTED_PROXY_COUNT = 1
    for number in range(5):
        response = api.post("/api/auth/token", body, x_forwarded_for=f"192.0.2.{number}, {ELSEWHERE}")
    assert error(response) == (429, "THROTTLED")
    body["password"] = PASSWORD
    assert api.post("/api/auth/token", body, x_forwarded_for=f"{ELSEWHERE}, {HOME}").status_code == 200
