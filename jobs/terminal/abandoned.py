"""Terminals whose web process was killed: nothing of them stays."""

import logging

from django.conf import settings

logger = logging.getLogger(__name__)


def end_abandoned() -> int:
    """On the local pool; elsewhere the cluster ends what a lost connection leaves. Answers how many there were."""
    if not settings.LOCAL_POOL_ENABLED:
        return 0
    from jobs.cluster.local import sweep

    ended = sweep.end_abandoned()
    if ended:
        logger.warning("Ended what was left of %d terminals whose server was killed", ended)
    return ended
