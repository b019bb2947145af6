"""Waking the worker: a message saying "this pool has something to do", never what.

The due rows in the database are the queue; a wake-up is only latency. Wake-ups of one pool are coalesced: a flag in
Redis says that one is under way, and the task takes the flag down before it looks, so nothing that came before is
missed. A lost message, a lost flag or no Redis at all cost at most one sweep interval.
"""

import logging

import redis
from celery import current_app

from jobs.broker import BrokerAway, client, reached

logger = logging.getLogger(__name__)

TASK = "jobs.reconcile_pool"
FLAG_MILLISECONDS = 2000


def flag(pool_id: int) -> str:
    return f"wake:{pool_id}"


def wake(pool_id: int) -> bool:
    """True when a worker has been or is being told. Never raises, never waits longer than a second."""
    try:
        with reached() as broker:
            if broker.set(flag(pool_id), 1, nx=True, px=FLAG_MILLISECONDS):
                publish(pool_id)
    except BrokerAway:
        return False
    return True


def publish(pool_id: int) -> None:
    """By name: jobs.tasks imports what calls this."""
    current_app.send_task(
        TASK, (pool_id,), retry=True, retry_policy={"max_retries": 1, "interval_start": 0}, expires=60
    )


def answered(pool_id: int) -> None:
    """Called by the task before it looks for work."""
    try:
        client().delete(flag(pool_id))
    except redis.RedisError as exc:
        logger.info("The wake-up flag of pool %s stays until it expires: %s", pool_id, exc)


def broker_is_up() -> bool:
    try:
        return bool(client().ping())
    except redis.RedisError:
        return False
