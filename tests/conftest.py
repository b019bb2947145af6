"""The cast: Alice is an admin of the project, Bob a member, Charlie a viewer, Mallory is in another project."""

import atexit
import os
import shutil
import tempfile

import pytest
from django.conf import settings

from accounts.models import Membership, Project, User
from accounts.roles import Role
from jobs.models import Queue, ResourcePool

# Terminals start shells, and whoever runs the tests may have start-up files that take their time.
os.environ["HOME"] = tempfile.mkdtemp(prefix="home-")
atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)

PASSWORD = "correct horse battery"
# A real hash takes a third of a second on purpose; every test makes users.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps its event loop running in this thread until the end, and no test after them
    could run one of its own."""
    items.sort(key=lambda item: "browser" in item.path.parts)


def make_user(name: str, project: Project | None = None, role: Role = Role.MEMBER) -> User:
    user = User.objects.create_user(username=name, password=PASSWORD)
    if project:
        Membership.objects.create(user=user, project=project, role=role.value)
    return user


@pytest.fixture
def project(db: None) -> Project:
    return Project.objects.create(slug="default", name="Default")


@pytest.fixture
def other_project(db: None) -> Project:
    return Project.objects.create(slug="other", name="Other")


@pytest.fixture
def alice(project: Project) -> User:
    return make_user("alice", project, Role.ADMIN)


@pytest.fixture
def bob(project: Project) -> User:
    return make_user("bob", project, Role.MEMBER)


@pytest.fixture
def charlie(project: Project) -> User:
    return make_user("charlie", project, Role.VIEWER)


@pytest.fixture
def mallory(other_project: Project) -> User:
    return make_user("mallory", other_project, Role.ADMIN)


@pytest.fixture
def pool(db: None) -> ResourcePool:
    return ResourcePool.objects.create(
        name="local", kind=ResourcePool.LOCAL, is_default=True, cpu_millis=2000, memory_bytes=8 << 30, gpus=0
    )


@pytest.fixture
def queue(pool: ResourcePool) -> Queue:
    return Queue.objects.create(pool=pool, name="default", is_default=True)
