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
    """Sweep now and every `INTERVAL_S` until `stop` is set. Redis being away only delays it."""
    while not stop.is_set():
        try:
            sweep(store, app)
        except (RedisError, OperationalError) as error:
            logger.warning("sweep put off, Redis is away: %s", error)
        stop.wait(INTERVAL_S)


def sweep(store: JobStore, app: Celery) -> None:
    """Take expired leases away; when no message waits at all, send one for each queued job.

    A job between its record and its message may get two: the second finds it claimed. Waiting for an empty queue keeps
    a long one from being flooded.
    """
    for job_id, status in store.sweep().items():
        logger.warning("job %s: its worker vanished; now %s", job_id, status)
    if waiting_messages(app) == 0:
        for job_id in store.queued_ids():
            logger.info("job %s: queued without a message; sent again", job_id)
            enqueue(app, job_id)
