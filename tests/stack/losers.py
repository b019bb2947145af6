"""Users of the running stack who are to lose the right to what they are reading, each in another way."""

import os
import subprocess
import sys
from dataclasses import dataclass

from tests.stack.people import PASSWORD
from tests.stack.stack import BASE_DIR, Client, Stack

HOWS = ("disabled", "logged out", "password", "role", "deleted")
PROLOGUE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "jobs_platform.settings"
import django
django.setup()
from accounts.models import Membership, Project, User
"""
MAKE = """
project = Project.objects.get(slug="default")
for name in sys.argv[2:]:
    user = User.objects.create_user(name, password=sys.argv[1])
    Membership.objects.create(user=user, project=project, role="member")
"""
LOSE = """
User.objects.filter(username="loser-disabled").update(is_active=False)
user = User.objects.get(username="loser-password")
user.set_password("another " + sys.argv[1])
user.save()
Membership.objects.filter(user__username="loser-role").delete()
"""


@dataclass
class Loser:
    how: str
    client: Client
    token: str
    refresh: str
    job: str = ""

    @property
    def pod(self) -> str:
        return f"{self.job}-1-0"


def gather(stack: Stack) -> list[Loser]:
    run(stack, MAKE, *(name(how) for how in HOWS))
    return [log_in(stack, how) for how in HOWS]


def name(how: str) -> str:
    return f"loser-{how.replace(' ', '-')}"


def log_in(stack: Stack, how: str) -> Loser:
    answer = Client(stack.url).post("/api/auth/token", json={"username": name(how), "password": PASSWORD}).json()
    client = Client(stack.url)
    client.headers["Authorization"] = f"Bearer {answer['data']['access']}"
    return Loser(how, client, answer["data"]["access"], answer["data"]["refresh"])


def lose(stack: Stack, losers: list[Loser]) -> None:
    """All of them, at once."""
    run(stack, LOSE)
    for loser in losers:
        if loser.how == "logged out":
            answer = loser.client.post("/api/auth/logout", json={"refresh": loser.refresh})
            assert answer.status_code == 200, answer.text
        elif loser.how == "deleted":
            assert stack.client().delete(f"/api/jobs/{loser.job}").status_code == 200


def run(stack: Stack, program: str, *arguments: str) -> None:
    environment = {**os.environ, "DATA_DIR": str(stack.data_dir)}
    subprocess.run(
        [sys.executable, "-c", PROLOGUE + program, PASSWORD, *arguments], cwd=BASE_DIR, env=environment, check=True
    )
