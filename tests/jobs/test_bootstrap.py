"""The first rows: made once, never set back."""

from django.core.management import call_command

from accounts.models import Membership, Project, User
from accounts.roles import Role
from jobs.models import Queue, ResourcePool


def test_a_first_start_makes_admin_project_pool_and_queue(db: None) -> None:
    call_command("bootstrap")
    admin = User.objects.get(username="admin")
    assert admin.is_superuser
    assert Membership.objects.get(user=admin).role == Role.ADMIN
    pool = ResourcePool.objects.get(name="local")
    assert pool.is_default
    assert pool.cpu_millis
    queue = Queue.objects.get(pool=pool)
    assert (queue.name, queue.is_default, queue.max_running_jobs) == ("default", True, 64)


def test_a_second_start_changes_nothing(db: None) -> None:
    call_command("bootstrap")
    Queue.objects.update(max_running_jobs=3, is_default=False)
    ResourcePool.objects.update(enabled=False)
    Project.objects.update(name="Renamed")
    Membership.objects.all().delete()
    before = User.objects.get(username="admin").password
    call_command("bootstrap")
    assert Queue.objects.get().max_running_jobs == 3
    assert not ResourcePool.objects.get().enabled
    assert Project.objects.get().name == "Renamed"
    assert not Membership.objects.exists()
    assert User.objects.get(username="admin").password == before


def test_another_default_pool_stays_the_default(db: None) -> None:
    ResourcePool.objects.create(name="cluster", kind=ResourcePool.KUBERNETES, is_default=True)
    call_command("bootstrap")
    assert not ResourcePool.objects.get(name="local").is_default


def test_a_superuser_by_another_name_is_the_admin(db: None) -> None:
    User.objects.create_superuser(username="root", password="x")
    call_command("bootstrap")
    assert not User.objects.filter(username="admin").exists()
    assert Membership.objects.get().user.username == "root"


def test_where_the_local_pool_is_off_none_is_made(db: None, settings: object) -> None:
    settings.LOCAL_POOL_ENABLED = False  # type: ignore[attr-defined]
    call_command("bootstrap")
    assert not ResourcePool.objects.exists()
