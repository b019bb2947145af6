"""The double's own door, for tests and benches that run it as a process of its own: JSON over POST /_control/...

faults          {action, verb, resource, path, count, duration, ...} -> {number}; faults/clear
pods/finish     {names, labels, exitCode, reason} -> {finished}, of simulated pods
pods/delete     {name, graceSeconds}; pods/disrupt {name, reason, graceSeconds}; jobs/delete {name, policy}
node/lose, node/recover, node/remove-pods; history/compact; connections/close; connections/pause {seconds}
GET requests    {verb, resource, since} -> the log of requests
"""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from tests.kube.faults import Fault

if TYPE_CHECKING:
    from tests.kube.control_plane import ControlPlane


class Control:
    def __init__(self, plane: "ControlPlane") -> None:
        self.plane = plane

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_control/faults", self.add_fault),
            web.post("/_control/faults/clear", self.clear_faults),
            web.post("/_control/pods/finish", self.finish),
            web.post("/_control/pods/delete", self.delete_pod),
            web.post("/_control/pods/disrupt", self.disrupt),
            web.post("/_control/jobs/delete", self.delete_job),
            web.post("/_control/node/{what}", self.node),
            web.post("/_control/history/compact", self.compact),
            web.post("/_control/connections/{what}", self.connections),
            web.get("/_control/requests", self.requests),
        ]

    async def add_fault(self, request: web.Request) -> web.Response:
        body = await read(request)
        body["headers"] = tuple(map(tuple, body.get("headers", ())))
        return reply({"number": self.plane.faults.add(Fault(**body))})

    async def clear_faults(self, request: web.Request) -> web.Response:
        self.plane.faults.clear()
        return reply({})

    async def finish(self, request: web.Request) -> web.Response:
        body = await read(request)
        count = self.plane.actions.finish_pods(
            names=body.get("names", ()),
            labels=body.get("labels"),
            exit_code=body.get("exitCode", 0),
            reason=body.get("reason", ""),
        )
        return reply({"finished": count})

    async def delete_pod(self, request: web.Request) -> web.Response:
        body = await read(request)
        self.plane.actions.delete_pod(body["name"], grace_seconds=body.get("graceSeconds"))
        return reply({})

    async def disrupt(self, request: web.Request) -> web.Response:
        body = await read(request)
        reason = body.get("reason", "EvictionByEvictionAPI")
        self.plane.actions.disrupt_pod(body["name"], reason=reason, grace_seconds=body.get("graceSeconds"))
        return reply({})

    async def delete_job(self, request: web.Request) -> web.Response:
        body = await read(request)
        self.plane.actions.delete_job(body["name"], policy=body.get("policy", "Background"))
        return reply({})

    async def node(self, request: web.Request) -> web.Response:
        actions = self.plane.actions
        known = {"lose": actions.lose_node, "recover": actions.recover_node, "remove-pods": actions.remove_lost_pods}
        known[request.match_info["what"]]()
        return reply({})

    async def compact(self, request: web.Request) -> web.Response:
        self.plane.store.compact()
        return reply({})

    async def connections(self, request: web.Request) -> web.Response:
        """Answered before it happens: this connection is one of them."""
        body = await read(request)
        loop = asyncio.get_running_loop()
        if request.match_info["what"] == "close":
            loop.call_later(0.01, self.plane.listener.close_connections)
        else:
            self.plane.spawn(self.plane.pause(body["seconds"]))
        return reply({})

    async def requests(self, request: web.Request) -> web.Response:
        query = request.query
        seen = self.plane.requests.all(
            verb=query.get("verb", ""), resource=query.get("resource", ""), since=float(query.get("since", 0))
        )
        return reply([{"at": one.at, "method": one.method, "path": one.info.path, "query": one.query} for one in seen])


async def read(request: web.Request) -> dict[str, Any]:
    body = await request.read()
    return msgspec.json.decode(body, type=dict[str, Any]) if body else {}


def reply(obj: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(obj), content_type="application/json")
