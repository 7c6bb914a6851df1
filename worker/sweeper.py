"""The sweeper: gives away the jobs of vanished workers, and sends lost messages again."""

import logging
from multiprocessing.synchronize import Event

from celery import Celery
from kombu.exceptions import OperationalError
from redis import RedisError

from core.queue import enqueue, waiting_messages
from core.store import JobStore

INTERVAL_S = 5.0

logger = logging.getLogger(__name__)


def sweep_forever(store: JobStore, app: Celery, stop: Event) -> None:
    """Sweep every `INTERVAL_S` until `stop` is set. Redis being away only delays it."""
    missing: set[str] = set()
    while not stop.wait(INTERVAL_S):
        try:
            missing = sweep_once(store, app, missing)
        except (RedisError, OperationalError) as error:
            logger.warning("sweep put off, Redis is away: %s", error)


def sweep_once(store: JobStore, app: Celery, missing: set[str]) -> set[str]:
    """One sweep. Sends a message for each id in `missing` that is queued while no message waits.

    Answers the queued ids for which there is no message now: two sweeps in a row must find one missing before it is
    sent again, because between record and message there is a moment in which neither is wrong.
    """
    for job_id, status in store.sweep().items():
        logger.warning("job %s: its worker vanished; now %s", job_id, status)
    queued = store.queued_ids()
    if waiting_messages(app) > 0:
        return set()
    for job_id in queued:
        if job_id in missing:
            logger.warning("job %s: queued without a message; sent again", job_id)
            enqueue(app, job_id)
    return set(queued) - missing
