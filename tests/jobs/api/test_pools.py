import pytest

from jobs.models import Queue, ResourcePool
from tests.api_client import ApiClient, error

pytestmark = pytest.mark.django_db


def test_pools_are_listed_the_default_first(api):
    ResourcePool.objects.create(name="a-cluster", kind=ResourcePool.KUBERNETES, display_name="The cluster")
    pools = api.get("/api/resource-pools").json()["data"]["resourcePools"]
    assert [pool["resourcePoolId"] for pool in pools] == ["local", "a-cluster"]
    assert pools[0] == {
        "resourcePoolId": "local",
        "name": "local",
        "kind": "local",
        "isDefault": True,
        "enabled": True,
        "draining": False,
        "pullsImages": False,
        "capacity": {"cpuMillis": 2000, "memoryBytes": 8 << 30, "gpus": 0},
        "capacityAt": None,
    }


def test_queues_are_listed_the_default_first(api, pool):
    Queue.objects.create(pool=pool, name="night", priority=5, max_running_jobs=2)
    queues = api.get("/api/resource-pools/local/queues/").json()["data"]["queues"]
    assert queues == [
        {"queue": "default", "priority": 0, "maxRunningJobs": None, "isDefault": True, "enabled": True},
        {"queue": "night", "priority": 5, "maxRunningJobs": 2, "isDefault": False, "enabled": True},
    ]


@pytest.mark.parametrize("name", ["none", "%00", "a b"])
def test_an_unknown_pool_is_404(api, name):
    assert error(api.get(f"/api/resource-pools/{name}/queues")) == (404, "POOL_NOT_FOUND")


def test_nobody_may_look_without_credentials(queue):
    assert error(ApiClient().get("/api/resource-pools")) == (401, "NOT_AUTHENTICATED")


def test_they_cost_few_queries(api, django_assert_num_queries):
    with django_assert_num_queries(2):
        api.get("/api/resource-pools")
    with django_assert_num_queries(3):
        api.get("/api/resource-pools/local/queues")
