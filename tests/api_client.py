"""A client of the API as one user: JSON in, JSON out."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from accounts import logins
from accounts.models import User

CREATE = {"jobName": "resnet", "image": "registry/image:tag", "command": ["python", "train.py"]}


@dataclass
class ApiClient:
    user: User | None = None
    language: str = "en"
    http: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.headers = {"accept-language": self.language}
        if self.user:
            self.headers["authorization"] = f"Bearer {logins.begin(self.user).access}"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A body of type bytes is sent as it is."""
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = extra.pop("content-type", "application/json")
        return self.http.generic(method, path, raw, content_type=kind, headers={**self.headers, **extra})

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)

    def create(self, **fields: Any) -> str:
        """The new job's id."""
        response = self.post("/api/jobs/create", {**CREATE, **fields})
        assert response.status_code == 201, response.content
        return str(response.json()["data"]["jobId"])


def error(response: HttpResponse) -> tuple[int, str]:
    """Status and code, after checking the error envelope to the letter."""
    body = json.loads(response.content)
    assert list(body)[:3] == ["success", "code", "message"], body
    assert body["success"] is False
    assert body["message"]
    assert body["requestId"] == response["X-Request-ID"]
    assert set(body) <= {"success", "code", "message", "details", "requestId"}
    return response.status_code, body["code"]


def details(response: HttpResponse) -> dict[str, list[str]]:
    assert error(response) == (400, "VALIDATION_ERROR"), response.content
    found: dict[str, list[str]] = json.loads(response.content)["details"]
    return found
