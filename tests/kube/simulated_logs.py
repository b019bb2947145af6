"""The logs of pods without processes: nothing is in them, and who follows one is held until its pod has ended or gone,
as a container that prints nothing holds its readers."""

import asyncio
from collections import defaultdict

from aiohttp import web

from tests.kube.errors import ApiError
from tests.kube.records import Change
from tests.kube.store import Store

POD = "/api/v1/namespaces/{namespace}/pods/{name}"
OVER = ("Succeeded", "Failed")


class SimulatedLogs:
    """One subscription for all followers: there may be thousands."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.followers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def run(self) -> None:
        with self.store.subscribe("pods") as subscription:
            async for change in subscription:
                if is_last(change):
                    for follower in self.followers.pop(change.record.uid, ()):
                        follower.set()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(f"{POD}/log", self.log)]

    async def log(self, request: web.Request) -> web.StreamResponse:
        pod = self.store.get("pods", request.match_info["namespace"], request.match_info["name"])
        response = web.StreamResponse(headers={"Content-Type": "text/plain", "Cache-Control": "no-cache, private"})
        await response.prepare(request)
        if request.query.get("follow") == "true":
            await self.until_over(pod["metadata"]["namespace"], pod["metadata"]["name"], pod["metadata"]["uid"])
        await response.write_eof()
        return response

    async def until_over(self, namespace: str, name: str, uid: str) -> None:
        follower = asyncio.Event()
        self.followers[uid].add(follower)
        try:
            if self.runs(namespace, name, uid):
                await follower.wait()
        finally:
            if uid in self.followers:
                self.followers[uid].discard(follower)

    def runs(self, namespace: str, name: str, uid: str) -> bool:
        try:
            pod = self.store.get("pods", namespace, name)
        except ApiError:
            return False
        return pod["metadata"]["uid"] == uid and pod["status"].get("phase") not in OVER


def is_last(change: Change) -> bool:
    return change.type == "DELETED" or change.record.fields["status.phase"] in OVER
