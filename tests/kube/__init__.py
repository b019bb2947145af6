"""A double of a Kubernetes API server with its controllers, on a real socket, for tests and benches.

It behaves as a cluster of Kubernetes 1.36 was seen to behave, and is held against the real kubectl. Everything of it
runs in one event loop on one thread; the store's functions never await, so each of them is atomic.
"""

from tests.kube.server import ApiServer

__all__ = ["ApiServer"]
