import pytest

from accounts.models import User
from jobs import services
from jobs.models import Job, Queue
from jobs.services import Origin

CONFIG = {"jobName": "train", "image": "python:3.12", "command": ["python", "train.py"]}


def submit(actor: User, **changes: object) -> Job:
    secrets = changes.pop("secrets", {})
    key = changes.pop("key", None)
    return services.submit(
        actor=actor, config={**CONFIG, **changes}, secrets=secrets, origin=Origin(), idempotency_key=key
    ).job


@pytest.fixture
def job(bob: User, queue: Queue) -> Job:
    return submit(bob)
