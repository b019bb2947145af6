"""The cast on the running stack, made by Django itself in a process of its own: Alice, Bob, Charlie, Mallory."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import requests

from tests.stack.stack import BASE_DIR, Client, Stack

PASSWORD = "correct horse battery"
PROGRAM = """
import os, sys, json
os.environ["DJANGO_SETTINGS_MODULE"] = "jobs_platform.settings"
import django
django.setup()
from accounts import logins
from accounts.models import Membership, Project, User
from jobs.models import Queue, ResourcePool
default, _ = Project.objects.get_or_create(slug="default", defaults={"name": "Default"})
other, _ = Project.objects.get_or_create(slug="other", defaults={"name": "Other"})
pool = ResourcePool.objects.get(name="local")
Queue.objects.get_or_create(pool=pool, name="parked", defaults={"max_running_jobs": 0})
tokens = {}
for name, project, role in [("alice", default, "admin"), ("bob", default, "member"), ("charlie", default, "viewer"),
                            ("mallory", other, "admin")]:
    user, new = User.objects.get_or_create(username=name)
    if new:
        user.set_password(sys.argv[1])
        user.save()
    Membership.objects.get_or_create(user=user, project=project, defaults={"role": role})
    tokens[name] = logins.begin(user).access
from datetime import timedelta
from rest_framework_simplejwt.tokens import AccessToken
expired = AccessToken(tokens["bob"])
expired.set_exp(lifetime=-timedelta(seconds=60))
tokens["expired"] = str(expired)
print(json.dumps(tokens))
"""


@dataclass(frozen=True)
class People:
    url: str
    tokens: dict[str, str]

    def client(self, name: str, language: str = "en") -> Client:
        client = Client(self.url)
        client.headers["Authorization"] = f"Bearer {self.tokens[name]}"
        client.headers["Accept-Language"] = language
        return client

    def anonymous(self) -> Client:
        return Client(self.url)


def gather(stack: Stack) -> People:
    environment = {
        **os.environ,
        "DATA_DIR": str(stack.data_dir),
        "SECRET_KEY": (stack.data_dir / "secret_key").read_text().strip(),
        "LOCAL_POOL_ENABLED": "1",
    }
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM, PASSWORD], cwd=BASE_DIR, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return People(stack.url, json.loads(made.stdout.splitlines()[-1]))


def code_of(response: requests.Response) -> tuple[int, str]:
    """Status and code, after checking the error envelope to the letter."""
    body = response.json()
    assert list(body)[:3] == ["success", "code", "message"], body
    assert body["success"] is False
    assert body["message"]
    assert body["requestId"] == response.headers["X-Request-ID"]
    assert set(body) <= {"success", "code", "message", "details", "requestId"}
    return response.status_code, str(body["code"])
