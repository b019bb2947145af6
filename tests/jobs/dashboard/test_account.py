"""The account page."""

import re

from django.test import Client

from accounts.models import ApiToken, User
from jobs.models import AuditEntry
from tests.conftest import PASSWORD
from tests.jobs.dashboard.conftest import Browse


def make_token(client: Client, name: str = "ci") -> str:
    page = client.post("/account/tokens", {"name": name, "days": "30"}).content.decode()
    found = re.search(r"pat_[\w-]{43}", page)
    assert found
    return found[0]


def test_a_new_token_is_shown_once_and_works(bob: User, browse: Browse) -> None:
    client = browse(bob)
    secret = make_token(client)
    assert secret not in client.get("/account").content.decode()
    assert secret[:12] in client.get("/account").content.decode()
    response = Client().get("/api/auth/me", headers={"authorization": f"Bearer {secret}"})
    assert response.json()["data"]["username"] == "bob"


def test_a_token_needs_a_name(bob: User, browse: Browse) -> None:
    response = browse(bob).post("/account/tokens", {"name": "", "days": "30"})
    assert response.status_code == 400
    assert "Give the token a name." in response.content.decode()
    assert not ApiToken.objects.exists()


def test_revoking_ends_it_and_is_audited(bob: User, browse: Browse) -> None:
    client = browse(bob)
    secret = make_token(client)
    client.post(f"/account/tokens/{ApiToken.objects.get().pk}/revoke")
    assert Client().get("/api/auth/me", headers={"authorization": f"Bearer {secret}"}).status_code == 401
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["token.create", "token.revoke"]


def test_somebody_elses_token_is_not_there(bob: User, alice: User, browse: Browse) -> None:
    make_token(browse(bob))
    token = ApiToken.objects.get()
    assert browse(alice).post(f"/account/tokens/{token.pk}/revoke").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_new_password_keeps_this_browser_and_ends_the_others(bob: User, browse: Browse) -> None:
    here, elsewhere = browse(bob), browse(bob)
    new = "a much better password 7"
    response = here.post("/account/password", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert response.status_code == 302
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302


def test_a_wrong_old_password_changes_nothing(bob: User, browse: Browse) -> None:
    fields = {"old_password": "wrong", "new_password1": "xK9-better-one", "new_password2": "xK9-better-one"}
    response = browse(bob).post("/account/password", fields)
    assert response.status_code == 400
    assert 'id="old_password-error"' in response.content.decode()
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)
