import pytest

from jobs.models import AuditEntry, Job
from tests.api_client import CREATE, ApiClient, details, error

pytestmark = pytest.mark.django_db
PATH = "/api/jobs/create"


def test_it_answers_as_the_contract_shows(api):
    response = api.post(PATH, CREATE)
    body = response.json()
    assert response.status_code == 201
    assert list(body) == ["success", "data", "message"]
    assert list(body["data"]) == ["jobId", "jobName"]
    assert Job.objects.get(public_id=body["data"]["jobId"]).name == "resnet"


def test_its_message_is_the_contracts_in_chinese_first(bob, queue):
    response = ApiClient(bob, language="").post(PATH, CREATE)
    assert response.json()["message"] == "训练任务创建成功"
    assert ApiClient(bob, language="en").post(PATH, CREATE).json()["message"] == "Training job created"


def test_the_contracts_own_example_works(api):
    body = {
        "jobName": "训练任务名称",
        "image": "registry/image:tag",
        "command": ["python", "train.py"],
        "resourcePoolId": "local",
        "queue": "default",
    }
    assert api.post(PATH, body).json()["data"]["jobName"] == "训练任务名称"


def test_every_field_is_kept_in_the_config(api, pool):
    pool.gpus = 8
    pool.save()
    body = {
        **CREATE,
        "args": ["--epochs", "3"],
        "resourcePoolId": "local",
        "queue": "default",
        "projectId": "default",
        "description": "first\nsecond",
        "labels": {"team": "视觉", "example.com/run": "7"},
        "priority": "high",
        "replicas": 2,
        "resources": {"cpu": "500m", "memory": "1Gi", "gpu": 1, "gpuType": "A100", "sharedMemory": "64Mi"},
        "envs": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}],
        "workingDir": "/workspace",
        "dataSources": [
            {"type": "pvc", "name": "data", "mountPath": "/data", "readOnly": True},
            {"type": "nfs", "name": "nas.example.com", "sourcePath": "/export", "mountPath": "/nas"},
            {"type": "emptyDir", "mountPath": "/scratch", "sizeLimit": "1Gi"},
            {"type": "configMap", "name": "settings", "mountPath": "/etc/settings"},
        ],
        "maxRunTimeSeconds": 3600,
        "retryPolicy": {"maxRetries": 2, "on": ["CommandFailed", "NodeLost"]},
        "terminationGracePeriodSeconds": 5,
        "imagePullSecret": "registry",
        "retentionSeconds": 86400,
    }
    job_id = api.post(PATH, body).json()["data"]["jobId"]
    assert api.get(f"/api/jobs/{job_id}").json()["data"]["config"] == body


def test_a_short_body_gets_the_defaults_that_change_how_it_runs(api):
    job_id = api.create()
    config = api.get(f"/api/jobs/{job_id}").json()["data"]["config"]
    placed = {"resourcePoolId": "local", "queue": "default", "projectId": "default"}
    assert config == {**CREATE, "priority": "normal", "replicas": 1, **placed}


def test_one_string_is_a_line_for_the_shell(api):
    job_id = api.create(command="echo a && echo b")
    config = api.get(f"/api/jobs/{job_id}").json()["data"]["config"]
    assert config["command"] == ["/bin/sh", "-c", "echo a && echo b"]


def test_null_is_not_given(api):
    job_id = api.create(queue=None, envs=None, resources={"cpu": None})
    config = api.get(f"/api/jobs/{job_id}").json()["data"]["config"]
    assert "envs" not in config
    assert config["resources"] == {}


def test_plain_numbers_are_taken_as_amounts(api):
    job_id = api.create(resources={"cpu": 0.5, "memory": 1 << 20})
    job = Job.objects.get(public_id=job_id)
    assert (job.cpu_millis, job.memory_bytes) == (500, 1 << 20)


def test_a_dry_run_shows_the_config_and_writes_nothing(api):
    response = api.post(PATH, {**CREATE, "dryRun": True, "command": "true"})
    assert response.status_code == 200
    config = response.json()["data"]["config"]
    assert config["command"] == ["/bin/sh", "-c", "true"]
    assert config["queue"] == "default"
    assert "dryRun" not in config
    assert not Job.objects.exists()


def test_the_audit_knows_who_from_where_and_by_which_request(api):
    response = api.post(PATH, CREATE)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_name, entry.address) == ("job.create", "bob", "127.0.0.1")
    assert entry.request_id == response["X-Request-ID"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"jobName": ""}, "jobName"),
        ({"jobName": "   "}, "jobName"),
        ({"jobName": "x" * 129}, "jobName"),
        ({"jobName": "a\nb"}, "jobName"),
        ({"jobName": "a\u202eb"}, "jobName"),
        ({"jobName": 7}, "jobName"),
        ({"jobName": None}, "jobName"),
        ({"image": "two words"}, "image"),
        ({"image": "i" * 513}, "image"),
        ({"command": []}, "command"),
        ({"command": ""}, "command"),
        ({"command": ["", "x"]}, "command"),
        ({"command": {"a": 1}}, "command"),
        ({"command": ["a", 1]}, "command[1]"),
        ({"command": ["x" * 131_072]}, "command[0]"),
        ({"command": ["x"] * 1001}, "command"),
        ({"args": "x"}, "args"),
        ({"args": [None]}, "args[0]"),
        ({"comand": ["x"]}, "comand"),
        ({"resources": {"gpuu": 1}}, "resources.gpuu"),
        ({"resources": []}, "resources"),
        ({"resources": {"cpu": "lots"}}, "resources.cpu"),
        ({"resources": {"cpu": 0}}, "resources.cpu"),
        ({"resources": {"memory": "1Xi"}}, "resources.memory"),
        ({"resources": {"gpu": -1}}, "resources.gpu"),
        ({"resources": {"gpu": 1.5}}, "resources.gpu"),
        ({"resources": {"gpu": True}}, "resources.gpu"),
        ({"envs": [{"name": "A"}, {"name": "B", "valu": "C"}]}, "envs[1].valu"),
        ({"envs": [{"name": "1A"}]}, "envs[0].name"),
        ({"envs": [{"name": "A=B"}]}, "envs[0].name"),
        ({"envs": [{"name": "A"}, {"name": "A"}]}, "envs[1].name"),
        ({"envs": [{"name": "A", "value": 5}]}, "envs[0].value"),
        ({"envs": [{"name": "A", "value": "é" * 65_001}]}, "envs[0].value"),
        ({"envs": [{"name": "A", "secret": "yes"}]}, "envs[0].secret"),
        ({"envs": "A=1"}, "envs"),
        ({"envs": [{"name": f"A{number}"} for number in range(501)]}, "envs"),
        ({"labels": {"a b": "x"}}, "labels.a b"),
        ({"labels": {"a": 1}}, "labels.a"),
        ({"labels": {"a": "x" * 256}}, "labels.a"),
        ({"labels": {str(number): "" for number in range(65)}}, "labels"),
        ({"priority": "urgent"}, "priority"),
        ({"priority": ["high"]}, "priority"),
        ({"replicas": 0}, "replicas"),
        ({"replicas": 1001}, "replicas"),
        ({"replicas": "2"}, "replicas"),
        ({"replicas": 10**30}, "replicas"),
        ({"workingDir": "relative"}, "workingDir"),
        ({"workingDir": "/a/../b"}, "workingDir"),
        ({"dataSources": [{"type": "hostPath", "mountPath": "/x"}]}, "dataSources[0].type"),
        ({"dataSources": [{"type": "pvc", "mountPath": "/x"}]}, "dataSources[0].name"),
        ({"dataSources": [{"type": "nfs", "name": "nas", "mountPath": "/x"}]}, "dataSources[0].sourcePath"),
        ({"dataSources": [{"type": "pvc", "name": "d", "mountPath": "x"}]}, "dataSources[0].mountPath"),
        ({"dataSources": [{"type": "emptyDir", "mountPath": "/x"}] * 2}, "dataSources[1].mountPath"),
        ({"maxRunTimeSeconds": 0}, "maxRunTimeSeconds"),
        ({"maxRunTimeSeconds": 1e400}, "body"),
        ({"retryPolicy": {"on": ["OutOfMemory"]}}, "retryPolicy.on[0]"),
        ({"retryPolicy": {"maxRetries": 101}}, "retryPolicy.maxRetries"),
        ({"retryPolicy": {"retries": 1}}, "retryPolicy.retries"),
        ({"terminationGracePeriodSeconds": 3601}, "terminationGracePeriodSeconds"),
        ({"imagePullSecret": "Not_DNS"}, "imagePullSecret"),
        ({"retentionSeconds": -1}, "retentionSeconds"),
        ({"dryRun": "true"}, "dryRun"),
        ({"description": "a\x1bb"}, "description"),
        ({"securityContext": {"privileged": True}}, "securityContext"),
        ({"queue": "../x"}, "queue"),
        ({"status": "Succeeded"}, "status"),
        ({"owner": "alice"}, "owner"),
    ],
)
def test_it_refuses_and_names(api, fields, path):
    response = api.post(PATH, {**CREATE, **fields})
    if path == "body":
        assert error(response) == (400, "VALIDATION_ERROR")
    else:
        assert list(details(response)) == [path]
    assert not Job.objects.exists()


def test_all_that_is_wrong_is_told_at_once(api):
    response = api.post(PATH, {"jobNam": "x", "image": 1})
    assert set(details(response)) == {"jobNam", "jobName", "image", "command"}


@pytest.mark.parametrize("field", ["jobName", "image", "command"])
def test_it_needs(api, field):
    body = {name: value for name, value in CREATE.items() if name != field}
    assert list(details(api.post(PATH, body))) == [field]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{} {}",
        b"\xff",
        b'{"jobName": NaN}',
        b'{"jobName": 1e999}',
        b'{"jobName": "\\ud800"}',
        b'{"jobName": "a\\u0000b", "image": "i", "command": ["x"]}',
        b'{"jobName": "x", "image": "i", "command": ["a\\u0000b"]}',
        b'{"a\\u0000": 1}',
        b'{"labels": ' + b"[" * 17 + b"]" * 17 + b"}",
        b"[" * 100_000,
        b'{"jobName": ' + b"9" * 5000 + b"}",
    ],
)
def test_broken_json_is_refused(api, raw):
    assert error(api.post(PATH, raw)) == (400, "VALIDATION_ERROR")


def test_other_media_types_are_refused(api):
    response = api.call("POST", PATH, b"jobName=x", content_type="application/x-www-form-urlencoded")
    assert error(response) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_large_body_is_refused(api, settings):
    response = api.post(PATH, {**CREATE, "description": "x" * settings.MAX_BODY_BYTES})
    assert error(response) == (413, "BODY_TOO_LARGE")


def test_it_rejects_an_unknown_pool_queue_and_project(api):
    assert error(api.post(PATH, {**CREATE, "resourcePoolId": "none"})) == (404, "POOL_NOT_FOUND")
    assert error(api.post(PATH, {**CREATE, "queue": "none"})) == (404, "QUEUE_NOT_FOUND")
    assert error(api.post(PATH, {**CREATE, "projectId": "none"})) == (404, "PROJECT_NOT_FOUND")


def test_a_job_that_can_never_fit_is_refused_with_the_numbers(api):
    messages = details(api.post(PATH, {**CREATE, "resources": {"cpu": "64"}}))
    assert "64" in messages["resources.cpu"][0]
    assert "2" in messages["resources.cpu"][0]


def test_a_viewer_may_not(charlie, queue):
    assert error(ApiClient(charlie).post(PATH, CREATE)) == (403, "PERMISSION_DENIED")


def test_nobody_may_without_credentials(queue):
    assert error(ApiClient().post(PATH, CREATE)) == (401, "NOT_AUTHENTICATED")


def test_it_makes_few_queries(api, django_assert_num_queries):
    """User; project with role, queue, pool; BEGIN, job, event, audit, COMMIT."""
    with django_assert_num_queries(9):
        api.post(PATH, CREATE)
