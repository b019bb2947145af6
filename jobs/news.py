"""Telling pages that are open right now which rows changed, never what: they read for themselves.

Said after the commit, over Redis, by whichever process changed something; heard by every web process
(jobs.consumers.live). News are latency alone: who may have missed some reads everything again, so they are lost without
harm, and nobody waits for a broker that is away.
"""

import logging
from collections.abc import Iterable
from functools import partial

import orjson
from django.db import transaction

from jobs.broker import BrokerAway, reached

logger = logging.getLogger(__name__)

CHANNEL = "news"


def of_jobs(pks: Iterable[int]) -> None:
    """Once the transaction is committed. Of nothing, nothing is said."""
    say_on_commit("jobs", pks)


def of_pools(pks: Iterable[int]) -> None:
    say_on_commit("pools", pks)


def say_on_commit(kind: str, pks: Iterable[int]) -> None:
    if numbers := sorted(pks):
        transaction.on_commit(partial(say, kind, numbers))


def say(kind: str, numbers: list[int]) -> None:
    """Never raises, never waits longer than a second."""
    try:
        with reached() as broker:
            broker.publish(CHANNEL, orjson.dumps({kind: numbers}))
    except BrokerAway:
        logger.debug("Open pages are not told of %s %s", kind, numbers)
