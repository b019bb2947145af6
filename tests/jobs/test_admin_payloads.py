"""Whatever people and programs write is text on the operators' pages, in every column of every record."""

from html import unescape

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.db.models import Model
from django.test import Client

from accounts.models import Project, User
from jobs.models import Queue
from tests.admin_site import logged_in, make_job, make_token, page_url
from tests.payloads import NASTY, PAYLOADS, soil

MARKUP = "close"  # with this one the page of each record is read too
BY_NAME = {key: value for key, value in PAYLOADS.items() if key not in ("ansi", "bidi")}  # shown as they are


@pytest.fixture
def client(db: None) -> Client:
    return logged_in(User.objects.create_superuser("root"))


@pytest.fixture
def soiled(project: Project, bob: User, queue: Queue) -> list[type[Model]]:
    """Every model of the operators' pages, with rows that hold every payload."""
    models = [one for app in ("jobs", "accounts") for one in apps.get_app_config(app).get_models()]
    registered = [one for one in models if one in site._registry]
    done: set[Model] = {queue, *User.objects.filter(username="root")}
    for kind in sorted(PAYLOADS, key=lambda kind: kind == MARKUP):
        make_job(project, bob, Queue.objects.create(pool=queue.pool, name="more"))
        make_token(bob)
        for row in {row for model in registered for row in model._default_manager.all()} - done:
            soil(row, PAYLOADS[kind])
            done.add(row)
    return registered


def test_it_comes_out_as_text(client: Client, soiled: list[type[Model]]) -> None:
    pages = ["/admin/", *(page_url(model, "changelist") for model in soiled)]
    newest = [model._default_manager.order_by("-pk").first() for model in soiled]
    pages += [page_url(type(row), "change", row.pk) for row in newest if row]
    texts = {page: client.get(page).content.decode() for page in pages}
    assert {page: nasty for page, text in texts.items() for nasty in NASTY if nasty in text} == {}
    everything = unescape("".join(texts.values()))
    assert [kind for kind, payload in BY_NAME.items() if payload[:40] not in everything] == []
