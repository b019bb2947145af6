"""Tests against the whole platform as it is run: real processes, HTTP, WebSockets, Redis, and the local pool."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.actions import Api
from tests.stack.stack import Stack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One instance for all tests that leave it running and usable."""
    stack = Stack(tmp_path_factory.mktemp("stack") / "data")
    try:
        yield stack.start()
    finally:
        stack.close()


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """An instance not started yet, for a test that breaks it; what is left of it is stopped afterwards."""
    stack = Stack(tmp_path / "data")
    yield stack
    stack.close()


@pytest.fixture
def api(stack: Stack) -> Api:
    return Api.of(stack)
