"""Setting up a Kubernetes pool from the command line."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs.models import AuditEntry, Queue, ResourcePool
from tests.kube import kubeconfigs
from tests.kube.server import ApiServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def kubeconfig(tmp_path: Path, settings: Any) -> Path:
    settings.KUBECONFIG_DIR = tmp_path
    return kubeconfigs.write(tmp_path / "training", url="https://127.0.0.1:1", token="t", namespace="training")


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True) as server:
        yield server


def add(*args: str, name: str = "gpu") -> str:
    out = StringIO()
    call_command("add_pool", name, *args, stdout=out)
    return out.getvalue()


class TestAddPool:
    def test_it_makes_a_pool_with_a_queue(self, kubeconfig: Path, pool: ResourcePool) -> None:
        said = add(
            *("--kind", "kubernetes", "--kubeconfig", "training", "--context", "double", "--namespace", "team"),
            *("--default", "--option", "gpus=8", "--option", "cpu=64", "--option", 'nodeSelector={"pool": "gpu"}'),
        )
        made = ResourcePool.objects.get(name="gpu")
        assert "check_pool gpu" in said
        assert made.kind == ResourcePool.KUBERNETES
        assert made.options == {
            "kubeconfig": "training",
            "context": "double",
            "namespace": "team",
            "gpus": 8,
            "cpu": "64",
            "nodeSelector": {"pool": "gpu"},
        }
        assert Queue.objects.get(pool=made).is_default
        pool.refresh_from_db()
        assert (made.is_default, pool.is_default) == (True, False)

    def test_it_is_audited(self, kubeconfig: Path) -> None:
        add("--kubeconfig", "training")
        entry = AuditEntry.objects.get(action="pool.create")
        assert (entry.actor_name, entry.object_id) == ("manage.py", "gpu")
        assert entry.detail["options"] == {"kubeconfig": "training"}

    def test_a_path_to_the_file_is_its_name(self, kubeconfig: Path) -> None:
        add("--kubeconfig", str(kubeconfig))
        assert ResourcePool.objects.get(name="gpu").options == {"kubeconfig": "training"}

    @pytest.mark.parametrize(
        ("args", "why"),
        [
            (["--option", "gpuz=1"], "'gpuz=1' is not name=value of an option"),
            (["--option", "gpus"], "'gpus' is not name=value of an option"),
            (["--option", "gpus=many"], "gpus: 'many' is not JSON"),
            (["--option", "gpus=-1", "--option", "memory=lots"], "gpus: must be a whole number"),
            (["--option", "podSecurity=restricted"], "runAsUser: the restricted profile needs a user id"),
            (["--namespace", "Not A Name"], "namespace: must be a namespace's name"),
            (["--kubeconfig", "missing"], "there is no kubeconfig missing in"),
            (["--kubeconfig", "/etc/passwd"], "kubeconfig: must be the name of a file in KUBECONFIG_DIR"),
            (["--kubeconfig", "training", "--context", "other"], "has no context other (it has: double)"),
        ],
    )
    def test_what_is_wrong_is_refused_with_the_reason(self, kubeconfig: Path, args: list[str], why: str) -> None:
        with pytest.raises(CommandError) as refusal:
            add(*args)
        assert why in str(refusal.value)
        assert not ResourcePool.objects.filter(name="gpu").exists()

    def test_every_wrong_option_is_named_at_once(self, kubeconfig: Path) -> None:
        with pytest.raises(CommandError) as refusal:
            add("--option", "gpus=-1", "--option", "memory=lots")
        assert len(str(refusal.value).splitlines()) == 2

    @pytest.mark.parametrize("name", ["local", "not a slug"])
    def test_a_name_must_be_new_and_a_slug(self, kubeconfig: Path, pool: ResourcePool, name: str) -> None:
        with pytest.raises(CommandError, match="name: "):
            add("--kubeconfig", "training", name=pool.name if name == "local" else name)


class TestCheckPool:
    @pytest.fixture
    def pool_of(self, tmp_path: Path, settings: Any, server: ApiServer) -> Any:
        settings.KUBECONFIG_DIR = tmp_path

        def make(token: str = "") -> ResourcePool:
            server.kubeconfig(tmp_path / "training", token=token)
            return ResourcePool.objects.create(name="gpu", kind="kubernetes", options={"kubeconfig": "training"})

        return make

    def check(self, code: int | None) -> str:
        out = StringIO()
        if code is None:
            call_command("check_pool", "gpu", stdout=out)
        else:
            with pytest.raises(SystemExit) as ended:
                call_command("check_pool", "gpu", stdout=out)
            assert ended.value.code == code
        return out.getvalue()

    def test_a_good_pool_is_fine(self, pool_of: Any, server: ApiServer) -> None:
        pool_of()
        text = self.check(None)
        assert server.url in text
        assert "PROBLEM" not in text

    def test_a_missing_permission_is_a_problem(self, pool_of: Any, server: ApiServer) -> None:
        pool_of(server.add_token(denied=[("create", "pods/exec")]))
        text = self.check(1)
        assert 'Add to the Role: apiGroups: [""], resources: ["pods/exec"], verbs: ["create"]' in text

    def test_nothing_that_answers_is_a_problem_and_no_traceback(self, kubeconfig: Path) -> None:
        ResourcePool.objects.create(name="gpu", kind="kubernetes", options={"kubeconfig": "training"})
        assert "no answer from https://127.0.0.1:1" in self.check(1)

    @pytest.mark.parametrize("options", [{"gpuz": 1}, {"kubeconfig": "missing"}])
    def test_options_that_cannot_be_used_are_a_problem(self, kubeconfig: Path, options: dict[str, Any]) -> None:
        ResourcePool.objects.create(name="gpu", kind="kubernetes", options=options)
        assert str(next(iter(options))) in self.check(1)

    def test_only_kubernetes_pools_are_checked(self, pool: ResourcePool) -> None:
        with pytest.raises(CommandError, match="only Kubernetes pools"):
            call_command("check_pool", pool.name)
        with pytest.raises(CommandError, match="There is no pool"):
            call_command("check_pool", "nowhere")

    def test_no_credential_is_shown(self, pool_of: Any, server: ApiServer, tmp_path: Path) -> None:
        pool_of()
        token = json.loads((tmp_path / "training").read_text())["users"][0]["user"]["token"]
        assert token not in self.check(None)
