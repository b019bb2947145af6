"""Two ranks meet by the variables that torchrun users know."""

import os
import socket
import sys
import time

rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
if rank == 0:
    with socket.create_server(place) as server:
        peer, _ = server.accept()
        with peer:
            sys.stdout.write(f"rank 0 of {world} heard: {peer.makefile().readline()}")
else:
    deadline = time.monotonic() + 30
    while True:
        try:
            with socket.create_connection(place) as peer:
                peer.sendall(f"hello from rank {rank}\n".encode())
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
