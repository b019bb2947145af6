"""What the middlewares leave on a request for its handler."""

from aiohttp import web

from tests.kube.rbac import User
from tests.kube.requests_seen import Info

INFO = web.RequestKey("info", Info)
USER = web.RequestKey("user", User)
