"""What every request goes through before its handler: the log, the faults, authentication, authorisation."""

import asyncio

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tests.kube.errors import ApiError
from tests.kube.faults import ON_REQUESTS, Fault, Faults
from tests.kube.rbac import Users, authorize
from tests.kube.request_keys import INFO, USER
from tests.kube.requests_seen import RequestLog, read_info

SILENCE_TICK = 0.05
CONTROL = "/_control/"


def logged(log: RequestLog) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        info = read_info(request.method, request.path, request.query)
        request[INFO] = info
        if not request.path.startswith(CONTROL):
            log.add(request.method, info, dict(request.query))
        return await handler(request)

    return middleware


def faulty(faults: Faults) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        info = request[INFO]
        if request.path.startswith(CONTROL):
            return await handler(request)
        fault = faults.take(info, *ON_REQUESTS)
        while fault and fault.action == "delay":
            await asyncio.sleep(fault.seconds)
            fault = faults.take(info, *(each for each in ON_REQUESTS if each != "delay"))
        if fault is None:
            return await handler(request)
        return await suffer(fault, faults, request, handler)

    return middleware


async def suffer(fault: Fault, faults: Faults, request: web.Request, handler: Handler) -> web.StreamResponse:
    if fault.action == "status":
        body = msgspec.json.encode(fault.body())
        return web.Response(
            body=body, status=fault.status, content_type="application/json", headers=dict(fault.headers)
        )
    if fault.action == "drop_after":
        await handler(request)
    if fault.action == "silence":
        await asyncio.sleep(SILENCE_TICK)
        while faults.look(request[INFO], "silence") is not None:
            await asyncio.sleep(SILENCE_TICK)
    if request.transport:
        request.transport.abort()
    return web.Response()


@web.middleware
async def statused(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Our errors become Status bodies."""
    try:
        return await handler(request)
    except ApiError as exc:
        return web.Response(body=msgspec.json.encode(exc.status()), status=exc.code, content_type="application/json")


def authorized(users: Users) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL):
            return await handler(request)
        user = users.of(request.headers.get("Authorization", ""))
        request[USER] = user
        authorize(user, request[INFO])
        return await handler(request)

    return middleware
