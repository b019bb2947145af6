"""What dies is started again, and the platform answers again."""

import pytest

from tests.stack.stack import SERVICES, Stack


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_is_started_again(stack: Stack, service: str) -> None:
    old = stack.kill(service)
    assert stack.wait_for_restart(service, old) != old
    assert stack.client().get("/api/auth/me").status_code == 200
