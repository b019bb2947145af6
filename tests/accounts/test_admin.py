"""The operators' pages for people and keys: who may do what, and that no key is ever shown."""

from datetime import UTC, datetime

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import ApiToken, BrowserSession, Membership, Project, User
from jobs.models import AuditEntry
from tests.admin_site import logged_in, make_token, page_url, queries_of, registered
from tests.conftest import PASSWORD, make_user

MODELS = sorted(apps.get_app_config("accounts").get_models(), key=lambda model: model.__name__)
TOKENS = [OutstandingToken, BlacklistedToken]


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def client(root: User) -> Client:
    return logged_in(root)


@pytest.fixture
def staff(db: None) -> User:
    """May do to users all that model permissions give."""
    user = make_user("staff")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["accounts", "auth"]))
    return user


def test_every_model_has_a_page() -> None:
    assert set(registered("accounts")) == set(MODELS)


@pytest.mark.parametrize("model", [User, Project, Membership, ApiToken, BrowserSession])
def test_its_pages_answer(model: type[Model], client: Client, alice: User) -> None:
    make_token(alice)
    row = model._default_manager.all()[:1].get()
    for url in (page_url(model, "changelist"), page_url(model, "change", row.pk)):
        assert client.get(url).status_code == 200
    assert client.get(page_url(model, "changelist"), {"q": "alice"}).status_code == 200


@pytest.mark.parametrize("model", [User, Project, Membership])
def test_its_form_for_a_new_one_answers(model: type[Model], client: Client) -> None:
    assert client.get(page_url(model, "add")).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_members_of_projects_have_no_way_in(model: type[Model], alice: User) -> None:
    assert Client().get(page_url(model, "changelist")).status_code == 302
    assert logged_in(alice).get(page_url(model, "changelist")).status_code == 302


@pytest.mark.parametrize("model", [User, Project, Membership, ApiToken, OutstandingToken])
def test_a_page_costs_the_same_for_many_rows(model: type[Model], client: Client, alice: User) -> None:
    url = page_url(model, "changelist")

    def add(name: str) -> None:
        user = make_user(name, Project.objects.create(slug=name, name=name))
        make_token(user)
        RefreshToken.for_user(user)

    add("first")
    before = queries_of(client, url)
    for number in range(5):
        add(f"more{number}")
    assert queries_of(client, url) == before


def test_an_access_token_is_listed_without_its_secret_or_digest(client: Client, alice: User) -> None:
    token, secret = make_token(alice)
    for url in (page_url(ApiToken, "changelist"), page_url(ApiToken, "change", token.pk)):
        content = client.get(url).content.decode()
        assert token.prefix in content
        assert secret not in content
        assert token.digest not in content


def test_an_access_token_is_revoked_but_neither_made_nor_edited(client: Client, alice: User) -> None:
    token, _ = make_token(alice)
    assert client.get(page_url(ApiToken, "add")).status_code == 403
    assert client.post(page_url(ApiToken, "change", token.pk), {"name": "x"}).status_code == 403
    client.post(page_url(ApiToken, "changelist"), {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at
    assert AuditEntry.objects.get(action="token.revoke").object_id == token.prefix
    first = token.revoked_at
    client.post(page_url(ApiToken, "changelist"), {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at == first


def test_a_refresh_token_is_not_shown(client: Client, alice: User) -> None:
    refresh = RefreshToken.for_user(alice)
    refresh.blacklist()
    for model in TOKENS:
        row = model._default_manager.get()
        for url in (page_url(model, "changelist"), page_url(model, "change", row.pk)):
            content = client.get(url).content.decode()
            assert refresh["jti"] in content
            assert str(refresh) not in content


def test_a_user_is_made_and_gets_a_new_password(client: Client, root: User) -> None:
    new = {"username": "dora", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(page_url(User, "add"), new).status_code == 302
    dora = User.objects.get(username="dora")
    assert dora.check_password(PASSWORD)
    url = f"/admin/accounts/user/{dora.pk}/password/"
    assert client.get(url).status_code == 200
    changed = {"usable_password": "true", "password1": "another horse", "password2": "another horse"}
    assert client.post(url, changed).status_code == 302
    dora.refresh_from_db()
    assert dora.check_password("another horse")


def test_a_password_hash_is_not_shown_whole(client: Client, root: User) -> None:
    content = client.get(page_url(User, "change", root.pk)).content.decode()
    assert root.password.split("$")[-1] not in content


def test_staff_who_edit_users_cannot_raise_themselves(staff: User) -> None:
    own = logged_in(staff)
    data = {"username": "staff", "is_active": "on", "is_staff": "on", "is_superuser": "on", **no_inlines()}
    own.post(page_url(User, "change", staff.pk), data)
    staff.refresh_from_db()
    assert not staff.is_superuser


def test_staff_who_edit_users_cannot_touch_a_superuser(staff: User, root: User) -> None:
    own = logged_in(staff)
    taken = {"usable_password": "true", "password1": "another horse", "password2": "another horse"}
    assert own.post(f"/admin/accounts/user/{root.pk}/password/", taken).status_code == 403
    assert own.post(page_url(User, "change", root.pk), {"username": "gone"}).status_code == 403
    assert own.post(page_url(User, "delete", root.pk), {"post": "yes"}).status_code == 403
    own.post(page_url(User, "changelist"), {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"})
    root.refresh_from_db()
    assert (root.username, root.check_password(PASSWORD)) == ("root", True)


def no_inlines() -> dict[str, str]:
    return {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0", "recording": "off"}


def test_the_id_of_a_project_is_given_once(client: Client, project: Project) -> None:
    data = {"name": "Renamed", "slug": "changed", **no_inlines()}
    assert client.post(page_url(Project, "change", project.pk), data).status_code == 302
    project.refresh_from_db()
    assert (project.name, project.slug) == ("Renamed", "default")


def test_whether_a_projects_terminals_are_recorded_is_set_here(client: Client, project: Project) -> None:
    data = {"name": "Default", **no_inlines(), "recording": "required"}
    assert client.post(page_url(Project, "change", project.pk), data).status_code == 302
    project.refresh_from_db()
    assert (project.recording, project.is_recorded) == ("required", True)


def test_a_member_is_added_to_a_project(client: Client, project: Project, mallory: User) -> None:
    data = {
        **no_inlines(),
        "name": "Default",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": str(mallory.pk),
        "memberships-0-role": "viewer",
        "memberships-0-project": str(project.pk),
    }
    assert client.post(page_url(Project, "change", project.pk), data).status_code == 302
    assert mallory.memberships.get(project=project).role == "viewer"


def test_failed_log_ins_are_counted_and_lock(root: User) -> None:
    stranger = Client(headers={"accept-language": "en"})
    answers = [
        stranger.post("/admin/login/", {"username": "root", "password": "wrong"}).status_code
        for _ in range(settings.AXES_FAILURE_LIMIT + 1)
    ]
    assert answers[0] == 200
    assert answers[-1] in (403, 429)
    assert stranger.post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == answers[-1]
    assert not Session.objects.exists()


def test_an_operator_unlocks_an_account_and_sees_no_typed_password(client: Client, root: User) -> None:
    stranger = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        stranger.post("/admin/login/", {"username": "root", "password": "typed-secret"})
    attempts = AccessAttempt.objects.filter(username="root")
    for attempt in attempts:
        content = client.get(page_url(AccessAttempt, "change", attempt.pk)).content.decode()
        assert "typed-secret" not in content
    keys = [attempt.pk for attempt in attempts]
    client.post(
        page_url(AccessAttempt, "changelist"), {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    )
    assert stranger.post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == 302


def test_what_was_done_here_is_on_record(client: Client, project: Project) -> None:
    client.post(page_url(Project, "change", project.pk), {"name": "Renamed", **no_inlines()})
    content = client.get(page_url(LogEntry, "changelist")).content.decode()
    assert "Renamed" in content
    assert client.get(page_url(LogEntry, "change", LogEntry.objects.get().pk)).status_code == 200
    assert client.get(page_url(LogEntry, "add")).status_code == 403


def test_a_language_is_chosen_from_those_there_are(client: Client, alice: User) -> None:
    url = page_url(User, "change", alice.pk)
    data = {"username": "alice", "is_active": "on", "language": "en", **no_inlines(), "date_joined_0": "2026-01-01"}
    assert client.post(url, data).status_code == 302
    alice.refresh_from_db()
    assert alice.language == "en"
    assert client.post(url, data | {"language": "xx"}).status_code == 200


def test_times_are_those_of_the_readers_zone(client: Client, root: User) -> None:
    User.objects.filter(pk=root.pk).update(timezone="Asia/Tokyo", date_joined=datetime(2025, 1, 15, 22, 30, tzinfo=UTC))
    assert "Jan. 16, 2025, 7:30 a.m." in client.get(page_url(User, "change", root.pk)).content.decode()
    assert timezone.get_current_timezone_name() == "UTC"
