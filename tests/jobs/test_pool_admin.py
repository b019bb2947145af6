"""Pools in the operators' pages: options are checked as they are typed in, a cluster when it is asked for."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs.cluster.kubernetes.options import NAMES
from jobs.models import Attempt, AuditEntry, Job, Queue, ResourcePool
from tests.admin_site import logged_in, page_url
from tests.jobs.conftest import submit
from tests.kube import kubeconfigs
from tests.kube.server import ApiServer

LIST = page_url(ResourcePool, "changelist")


@pytest.fixture
def client(db: None) -> Client:
    return logged_in(User.objects.create_superuser("root"))


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, settings: Any) -> Path:
    settings.KUBECONFIG_DIR = tmp_path
    return kubeconfigs.write(tmp_path / "training", url="https://127.0.0.1:1", token="t", namespace="training")


def add(client: Client, options: str, kind: str = "kubernetes", **fields: str) -> HttpResponse:
    form = {"name": "gpu", "kind": kind, "enabled": "on", "options": options, **fields}
    form |= {"queues-TOTAL_FORMS": "0", "queues-INITIAL_FORMS": "0"}
    response: HttpResponse = client.post(page_url(ResourcePool, "add"), form, follow=True)  # type: ignore[assignment]
    return response


def messages_of(response: HttpResponse) -> list[str]:
    return [str(message) for message in response.context["messages"]]  # type: ignore[attr-defined]


class TestOptions:
    def test_each_wrong_option_is_named(self, client: Client) -> None:
        response = add(client, json.dumps({"gpuz": 1, "gpus": -1, "kubeconfig": "training"}))
        errors = response.context["adminform"].form.errors["options"]  # type: ignore[attr-defined]
        assert errors == ["gpuz: there is no such option", "gpus: must be a whole number from 0 to 2147483647"]
        assert not ResourcePool.objects.exists()

    def test_they_are_told_in_the_language_of_the_reader(self, client: Client) -> None:
        response = client.post(
            page_url(ResourcePool, "add"),
            {"name": "gpu", "kind": "kubernetes", "options": '{"gpus": -1}'},
            headers={"accept-language": "zh-hans"},
        )
        assert response.context["adminform"].form.errors["options"] == ["gpus: 必须是 0 到 2147483647 之间的整数"]

    @pytest.mark.parametrize("options", ['["a"]', '"text"', "3"])
    def test_options_are_an_object(self, client: Client, options: str) -> None:
        add(client, options)
        assert not ResourcePool.objects.exists()

    def test_right_ones_are_saved_with_a_queue_and_audited(self, client: Client) -> None:
        add(client, '{"kubeconfig": "training"}')
        pool = ResourcePool.objects.get()
        assert pool.options == {"kubeconfig": "training"}
        assert pool.queues.get().is_default
        entry = AuditEntry.objects.get(action="pool.create")
        assert (entry.actor_name, entry.object_id) == ("root", "gpu")
        assert entry.detail["options"] == {"kubeconfig": "training"}

    def test_a_kubeconfig_that_is_not_there_is_a_warning(self, client: Client) -> None:
        response = add(client, '{"kubeconfig": "missing"}')
        assert ResourcePool.objects.exists()
        assert any("there is no kubeconfig missing" in text for text in messages_of(response))

    def test_no_options_are_none(self, client: Client) -> None:
        add(client, "", kind="local")
        assert ResourcePool.objects.get().options == {}

    def test_a_changed_pool_is_checked_too(self, client: Client) -> None:
        pool = ResourcePool.objects.create(name="gpu", kind="kubernetes", options={"kubeconfig": "training"})
        form = {"options": '{"podSecurity": "restricted"}', "queues-TOTAL_FORMS": "0", "queues-INITIAL_FORMS": "0"}
        client.post(page_url(ResourcePool, "change", pool.pk), form)
        pool.refresh_from_db()
        assert pool.options == {"kubeconfig": "training"}

    def test_the_form_names_every_option(self, client: Client) -> None:
        content = client.get(page_url(ResourcePool, "add")).content.decode()
        assert ", ".join(NAMES) in content


class TestCheck:
    def check(self, client: Client, *pools: ResourcePool) -> Any:
        form = {"action": "check_pools", ACTION_CHECKBOX_NAME: [pool.pk for pool in pools]}
        return client.post(LIST, form, follow=True)

    def test_it_shows_what_was_found(self, client: Client, kubeconfig: Path) -> None:
        pool = ResourcePool.objects.create(name="gpu", kind="kubernetes", options={"kubeconfig": "training"})
        with ApiServer(simulate=True) as server:
            server.kubeconfig(kubeconfig, token=server.add_token(denied=[("create", "pods/exec")]))
            content = self.check(client, pool).content.decode()
            assert server.url in content
        assert "resources: [&quot;pods/exec&quot;], verbs: [&quot;create&quot;]" in content

    def test_a_cluster_that_is_away_is_a_problem(self, client: Client) -> None:
        pool = ResourcePool.objects.create(name="gpu", kind="kubernetes", options={"kubeconfig": "training"})
        response = self.check(client, pool)
        assert response.status_code == 200
        assert "no answer from https://127.0.0.1:1" in response.content.decode()

    def test_other_pools_are_not_checked(self, client: Client, pool: ResourcePool) -> None:
        assert "Only Kubernetes pools are checked." in messages_of(self.check(client, pool))


class TestAcceptLoss:
    def accept(self, client: Client, pool: ResourcePool) -> Any:
        return client.post(LIST, {"action": "accept_loss", ACTION_CHECKBOX_NAME: [pool.pk]}, follow=True)

    def test_what_seems_gone_ends_as_lost_and_it_is_audited(self, client: Client, bob: User, queue: Queue) -> None:
        gone, there = submit(bob), submit(bob)
        now = timezone.now()
        Job.objects.update(status="Running", attempt_number=1)
        for job, absent in ((gone, now), (there, None)):
            Attempt.objects.create(job=job, number=1, launched_at=now, absent_since=absent)
        ResourcePool.objects.update(frozen_at=now)
        assert messages_of(self.accept(client, queue.pool)) == ["Jobs of pool local that end as lost: 1."]
        assert dict(Attempt.objects.values_list("job_id", "ending_reason")) == {gone.pk: "Lost", there.pk: ""}
        assert AuditEntry.objects.get(action="pool.accept-loss").actor_name == "root"

    def test_a_pool_that_is_not_frozen_has_no_loss_to_accept(self, client: Client, pool: ResourcePool) -> None:
        assert messages_of(self.accept(client, pool)) == ["Pool local is not frozen."]
        assert not AuditEntry.objects.exists()


class TestDraining:
    @pytest.fixture
    def pool(self, db: None) -> ResourcePool:
        return ResourcePool.objects.create(name="here", kind="local")

    def act(self, client: Client, action: str, pool: ResourcePool, **answers: str) -> str:
        data = {"action": action, ACTION_CHECKBOX_NAME: [pool.pk], **answers}
        return str(client.post(LIST, data, follow=True).content.decode())

    def test_it_asks_first_with_how_many_jobs_are_there(self, client: Client, pool: ResourcePool) -> None:
        assert "0 running, 0 waiting" in self.act(client, "drain", pool)
        pool.refresh_from_db()
        assert not pool.draining

    def test_it_is_set_and_ended_and_audited(self, client: Client, pool: ResourcePool) -> None:
        assert "is being drained" in self.act(client, "drain", pool, confirmed="yes")
        pool.refresh_from_db()
        assert pool.draining
        assert "are so already" in self.act(client, "drain", pool, confirmed="yes")
        assert "takes jobs again" in self.act(client, "resume", pool, confirmed="yes")
        actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
        assert list(actions) == ["pool.drain", "pool.resume"]
