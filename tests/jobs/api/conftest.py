import pytest

from accounts.models import User
from jobs.models import Job, Queue
from tests.api_client import ApiClient
from tests.jobs.conftest import submit


@pytest.fixture
def api(bob: User, queue: Queue) -> ApiClient:
    """As Bob, a member of the project, with a pool and a queue to submit to."""
    return ApiClient(bob)


@pytest.fixture
def foreign_job(mallory: User, queue: Queue) -> Job:
    return submit(mallory, jobName="foreign")
