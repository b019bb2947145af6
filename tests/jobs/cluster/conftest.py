from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.cluster.worlds import LocalWorld, World


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalWorld]:
    world = LocalWorld(tmp_path)
    yield world
    world.end_all()


@pytest.fixture(params=["local"])
def world(request: pytest.FixtureRequest) -> World:
    """Each implementation of the port: its fixture's name."""
    made: World = request.getfixturevalue(request.param)
    return made
