from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kube.client import Client
from tests.kube.server import ApiServer


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True) as server:
        yield server


@pytest.fixture
def client(server: ApiServer) -> Iterator[Client]:
    with Client(server) as client:
        yield client


@pytest.fixture
def kubeconfig(server: ApiServer, tmp_path: Path) -> Path:
    return server.kubeconfig(tmp_path / "kubeconfig")
