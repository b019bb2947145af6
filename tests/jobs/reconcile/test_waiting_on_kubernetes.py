"""What a job tells while a Kubernetes pool cannot start it, and how long it tries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs import clusters
from jobs.models import Job, ResourcePool
from jobs.reconcile import loop
from tests.api_client import ApiClient
from tests.jobs.cluster.worlds import eventually
from tests.jobs.conftest import submit
from tests.kube import ApiServer

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """A double whose pods are processes, on a node that pulls images."""
    with ApiServer() as server:
        yield server


@pytest.fixture
def far(pool: ResourcePool, server: ApiServer, tmp_path: Path, settings: Any) -> Iterator[ResourcePool]:
    settings.KUBECONFIG_DIR = tmp_path
    server.kubeconfig(tmp_path / "far.yaml")
    ResourcePool.objects.update(kind=ResourcePool.KUBERNETES, options={"kubeconfig": "far.yaml"}, gpus=None)
    pool.refresh_from_db()
    yield pool
    clusters.kubernetes_cluster.cache_clear()


def until(pool: ResourcePool, reason: str) -> Job:
    """Pass after pass until the job's status has the reason."""

    def look() -> Job | None:
        Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)
        loop.reconcile(pool)
        job = Job.objects.get()
        return job if job.status_reason == reason else None

    return eventually(look, reason)


def shown(user: Any, job: Job, language: str = "en") -> dict[str, Any]:
    return ApiClient(user, language).get(f"/api/jobs/{job.public_id}").json()["data"]


def test_an_image_that_is_not_there_is_told_and_then_given_up(far, bob, queue):
    submit(bob, image="registry.invalid/nothing:1")
    data = shown(bob, until(far, "ImageUnavailable"))
    assert (data["status"], data["diagnosis"]["category"]) == ("Starting", "image")
    assert data["diagnosis"]["summary"] == "The image does not exist in its registry."
    assert "If this does not pass within 300 s, the job fails." in data["diagnosis"]["detail"]
    ResourcePool.objects.update(options={**far.options, "imagePullSeconds": 1})
    far.refresh_from_db()
    eventually(lambda: until(far, "ImageUnavailable").status == "Failed", "the end")
    data = shown(bob, Job.objects.get(), "zh-CN")
    assert data["diagnosis"]["summary"] == "镜像仓库中不存在该镜像。"
    assert "300" not in data["diagnosis"]["detail"]


def test_an_image_with_no_valid_name_is_given_up_at_once(far, bob, queue):
    submit(bob, image="::bad")
    job = eventually(lambda: job if (job := until(far, "ImageUnavailable")).status == "Failed" else None, "the end")
    assert job.status_params["variant"] == "invalid"


def test_a_machine_is_waited_for_however_long_it_takes(far, bob, queue):
    ResourcePool.objects.update(options={**far.options, "imagePullSeconds": 1})
    far.refresh_from_db()
    submit(bob, resources={"gpu": 16})
    job = until(far, "Unschedulable")
    data = shown(bob, job)
    assert data["status"] == "Starting"
    assert "has enough free nvidia.com/gpu" in data["diagnosis"]["summary"]
    assert "A replica asks for 16." in data["diagnosis"]["detail"]
    assert job.attempts.get().stuck_since is None


def test_a_crash_is_explained(far, bob, queue):
    submit(bob, command=["sh", "-c", "exit 3"])
    job = eventually(lambda: job if (job := until(far, "CommandFailed")).status == "Failed" else None, "the end")
    assert shown(bob, job)["diagnosis"]["category"] == "command"
