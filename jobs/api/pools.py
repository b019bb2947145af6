"""The resource pools and their queues, as anyone who is logged in may see them."""

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api import presenters, shapes
from jobs.exceptions import PoolNotFound
from jobs.models import ResourcePool
from jobs_platform.api.operations import Operation, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiViewSet

TAG = "Resource pools"


class PoolViewSet(ApiViewSet):
    @documented(Operation(id="listResourcePools", tag=TAG, summary="The resource pools", data=shapes.PoolsShape))
    def list(self, request: Request) -> Response:
        pools = ResourcePool.objects.order_by("-is_default", "name")
        return answer({"resourcePools": [presenters.show_pool(pool) for pool in pools]})

    @documented(
        Operation(
            id="listQueues", tag=TAG, summary="The queues of a resource pool", data=shapes.QueuesShape,
            errors=("POOL_NOT_FOUND",),
        )
    )  # fmt: skip
    def queues(self, request: Request, pool_id: str) -> Response:
        pool = ResourcePool.objects.filter(name=pool_id).first() if "\0" not in pool_id else None
        if pool is None:
            raise PoolNotFound
        queues = pool.queues.order_by("-is_default", "-priority", "name")
        return answer({"queues": [presenters.show_queue(queue) for queue in queues]})
