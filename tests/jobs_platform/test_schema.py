"""The OpenAPI document: complete, and true to what is answered."""

import json
from typing import Any

import jsonschema
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from jobs.models import Attempt, Pod
from jobs_platform.api.document import document
from tests.api_client import CREATE, ApiClient
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return json.loads(document())


def validate(openapi: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    jsonschema.validate(value, {**schema, "components": openapi["components"]})


def views(patterns: Any, prefix: str = "") -> Any:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/") and hasattr(pattern.callback, "cls"):
            yield path, pattern.callback


def test_every_call_is_documented(openapi):
    methods = {"get", "post", "put", "patch", "delete"}
    served = 0
    for _path, view in views(get_resolver().url_patterns):
        actions = getattr(view, "actions", None) or {name: name for name in methods if hasattr(view.cls, name)}
        served += len(actions.keys() & methods)
    documented = sum(len(calls.keys() & methods) for calls in openapi["paths"].values())
    assert served == documented >= 18


def test_every_call_says_what_it_does_and_what_can_go_wrong(openapi):
    for path, calls in openapi["paths"].items():
        for call in calls.values():
            assert call["summary"]
            assert call["operationId"]
            assert call["tags"]
            if call.get("security"):
                assert "401" in call["responses"], path
            if "{job_id}" in path:
                assert "JOB_NOT_FOUND" in call["responses"]["404"]["description"]
    assert len({call["operationId"] for calls in openapi["paths"].values() for call in calls.values()}) == sum(
        map(len, openapi["paths"].values())
    )


def test_its_examples_are_valid_and_work(openapi, bob, queue):
    api = ApiClient(bob)
    for path, calls in openapi["paths"].items():
        for method, call in calls.items():
            body = call.get("requestBody", {}).get("content", {}).get("application/json", {})
            for example in body.get("examples", {}).values():
                validate(openapi, body["schema"], example["value"])
                assert api.call(method.upper(), path, example["value"]).status_code in (200, 201)


def test_what_is_answered_is_what_is_documented(openapi, bob, queue):
    api = ApiClient(bob)
    job = submit(bob, envs=[{"name": "A", "value": "b"}])
    attempt = Attempt.objects.create(job=job, number=1)
    Pod.objects.create(job=job, attempt=attempt, replica=0, name=f"{job.public_id}-1-0")
    calls = [
        ("POST", "/api/jobs", {}),
        ("POST", "/api/jobs/create", CREATE),
        ("POST", "/api/jobs/create", {**CREATE, "dryRun": True}),
        ("GET", "/api/jobs/{job_id}", None),
        ("GET", "/api/jobs/{job_id}/events", None),
        ("GET", "/api/jobs/{job_id}/pods", None),
        ("GET", "/api/resource-pools", None),
        ("GET", "/api/resource-pools/{pool_id}/queues", None),
        ("GET", "/api/auth/me", None),
        ("GET", "/api/auth/tokens", None),
        ("POST", "/api/auth/tokens", {"name": "x"}),
        ("POST", "/api/jobs/{job_id}/stop", None),
        ("POST", "/api/jobs/{job_id}/stop", None),
        ("DELETE", "/api/jobs/{job_id}", None),
        ("DELETE", "/api/jobs/{job_id}", None),
        ("POST", "/api/jobs/create", {}),
    ]
    for method, path, body in calls:
        answered = api.call(method, path.format(job_id=job.public_id, pool_id="local"), body)
        documented = openapi["paths"][path][method.lower()]["responses"][str(answered.status_code)]
        schema = documented["content"]["application/json"]["schema"]
        validate(openapi, schema, answered.json())
        properties = schema["properties"].get("data", {})
        if "$ref" in properties and answered.status_code < 300:
            shape = openapi["components"]["schemas"][properties["$ref"].rpartition("/")[2]]["properties"]
            assert set(answered.json()["data"]) == set(shape), path


def test_the_document_and_its_page_are_served_offline(client):
    response = client.get("/api/schema")
    assert response.json()["openapi"].startswith("3.1")
    page = client.get("/api/docs/")
    html = page.content.decode()
    assert page.status_code == 200
    assert "https://" not in html
    assert "http://" not in html
    nonce = page["Content-Security-Policy"].partition("'nonce-")[2].partition("'")[0]
    assert nonce
    assert html.count(f'nonce="{nonce}"') == html.count("<script")


def test_serving_the_api_does_not_import_the_generator():
    import subprocess
    import sys

    program = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'jobs_platform.settings';"
        "import django; django.setup();"
        "import jobs_platform.urls; print([m for m in ('drf_spectacular.openapi', 'jsonschema') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
