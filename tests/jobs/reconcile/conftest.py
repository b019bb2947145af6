import pytest

from jobs.reconcile import losses


@pytest.fixture(autouse=True)
def _forget_what_was_seen_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process remembers when it last listed a pool; the pools of two tests have the same key."""
    monkeypatch.setattr(losses, "_memories", {})
