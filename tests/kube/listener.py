"""The listening socket and the connections that came through it."""

import socket
import ssl

from aiohttp import web

BACKLOG = 512


class Listener:
    """Stops listening and begins again on the same port, as a restarted API server does."""

    def __init__(self, runner: web.AppRunner, port: int, tls: ssl.SSLContext | None) -> None:
        self.runner = runner
        self.port = port
        self.tls = tls
        self.site: web.SockSite | None = None

    async def start(self) -> None:
        if self.site is not None:
            return
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self.port))
        self.port = sock.getsockname()[1]
        self.site = web.SockSite(self.runner, sock, ssl_context=self.tls, backlog=BACKLOG)
        await self.site.start()

    async def stop(self) -> None:
        """New connections are refused; those that are open are closed."""
        if self.site is not None:
            site, self.site = self.site, None
            await site.stop()
            self.close_connections()

    def close_connections(self) -> None:
        server = self.runner.server
        for connection in list(server.connections) if server else ():
            if connection.transport:
                connection.transport.abort()
