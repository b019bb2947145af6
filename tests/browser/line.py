"""The network between a browser and the platform, to be cut: a port of this machine that passes bytes on."""

import socket
import threading
from contextlib import suppress

CHUNK = 65_536


class Line:
    """Passes on what comes to `port`, until cut; while it is down nobody gets through. Threads of its own, all of which
    end with close()."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.down = False
        self.open: set[socket.socket] = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.down:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.target))
            self.open |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=pair, daemon=True).start()

    def carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                sink.sendall(data)
        hang_up(source, sink)
        self.open -= {source, sink}

    def cut(self) -> None:
        """Every connection, without a word of WebSocket's to either side."""
        self.down = True
        hang_up(*tuple(self.open))

    def mend(self) -> None:
        self.down = False

    def close(self) -> None:
        hang_up(self.listener)
        self.listener.close()
        self.cut()


def hang_up(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
