"""Whatever is thrown at them, the calls answer with the contract's codes and never fail (S12)."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api_client import CREATE, ApiClient

pytestmark = pytest.mark.django_db
FIELDS = [
    "jobName", "image", "command", "args", "resourcePoolId", "queue", "projectId", "description", "labels", "priority",
    "replicas", "resources", "envs", "workingDir", "dataSources", "maxRunTimeSeconds", "retryPolicy",
    "terminationGracePeriodSeconds", "imagePullSecret", "retentionSeconds", "dryRun", "cpu", "memory", "gpu", "name",
    "value", "secret", "type", "mountPath", "on", "maxRetries", "keyword", "status", "pageNumber", "pageSize", "owner",
    "createdAfter", "createdBefore", "orderBy", "order",
]  # fmt: skip
PLAUSIBLE = ["Running", "createdAt", "asc", "default", "1Gi", "2025-01-15T10:30:00Z", "0001-01-01T00:00:00+23:59",
             "9999-12-31T23:59:59-23:59", "/data", "pvc", "CommandFailed", "%", '"', "*", "'", "\\"]  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-3, 1001), st.floats(), st.text(max_size=20),
    st.sampled_from(PLAUSIBLE), st.text(st.characters(categories=["Cs", "Cc", "Cf"]), max_size=3),
)  # fmt: skip
KEYS = st.one_of(st.sampled_from(FIELDS), st.text(max_size=5))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
BODIES = st.one_of(VALUES, st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
ANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def raw(body: Any) -> bytes:
    return json.dumps(body).encode()


@ANY
@given(body=BODIES)
def test_any_list_body_is_answered(api: ApiClient, body: Any) -> None:
    response = api.post("/api/jobs", raw(body))
    assert response.status_code in (200, 400), response.content
    assert json.loads(response.content)["success"] is (response.status_code == 200)


@ANY
@given(body=BODIES, changes=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3))
def test_any_create_body_is_answered(api: ApiClient, body: Any, changes: dict[str, Any]) -> None:
    for sent in (body, {**CREATE, **changes}):
        response = api.post("/api/jobs/create", raw(sent))
        assert response.status_code in (200, 201, 400, 404), response.content


@ANY
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered(api: ApiClient, body: bytes) -> None:
    for path in ("/api/jobs", "/api/jobs/create", "/api/auth/token", "/api/auth/logout"):
        assert api.post(path, body).status_code in (200, 400, 401)


@ANY
@given(path=st.text(max_size=30), method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD"]))
def test_any_path_is_answered(api: ApiClient, path: str, method: str) -> None:
    from urllib.parse import quote

    response = api.call(method, "/api/jobs/" + quote(path, safe="", errors="replace"))
    assert response.status_code in (200, 400, 404, 405), response.content


@ANY
@given(token=st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60))
def test_any_authorization_is_refused(queue: Any, token: str) -> None:
    anyone = ApiClient()
    for header in (token, f"Bearer {token}", f"Bearer pat_{token}", f"Bearer eyJ.{token}.x"):
        assert anyone.get("/api/auth/me", authorization=header).status_code == 401
