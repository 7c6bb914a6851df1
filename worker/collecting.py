"""Collecting the garbage of the store that machines share, in a thread of the import lane.

Not in the sweeper: a collection lists the whole store, which takes a minute for millions of objects, and leases are not
to wait for it. Not in the worker's main process either: it forks pool children, and the threads of an S3 client do not
survive a fork.
"""

import logging
import threading

from redis import RedisError

from core.errors import StoreError
from core.settings import Settings
from jobs.store import JobStore
from objects.opening import open_store
from objects.store import ObjectStore
from sharing.garbage import Collector

MOST_EVERY_S = 3600.0
LOOKS = 4  # at whether it is time, per interval

logger = logging.getLogger(__name__)


class Collecting:
    """Collects now and then, on one worker at a time: whichever asks Redis first."""

    def __init__(self, store: ObjectStore, jobs: JobStore, grace_s: float) -> None:
        self._collector, self._jobs = Collector(store, jobs, grace_s), jobs
        self.every_s = min(MOST_EVERY_S, grace_s / 4)

    def collect_until(self, stop: threading.Event) -> None:
        """Collect for as long as `stop` is not set; whatever goes wrong is logged, and tried again."""
        while not stop.wait(self.every_s / LOOKS):
            try:
                if self._jobs.may_collect(self.every_s):
                    self._collect()
            except (StoreError, RedisError, OSError) as error:
                logger.warning("garbage is collected later: %s", error)
            except Exception:
                logger.exception("garbage is collected later")

    def _collect(self) -> None:
        survey = self._collector.collect()
        if survey.garbage:
            size = sum(one.bytes for one in survey.garbage)
            logger.info("garbage: %d objects of the store removed, %.1f MB", len(survey.garbage), size / 1e6)


def start_collecting(settings: Settings, stop: threading.Event) -> None:
    """Collect in the background, where there is a store."""
    store = open_store(settings)
    if store is not None:
        collecting = Collecting(store, JobStore.of(settings), settings.store_grace_s)
        threading.Thread(target=collecting.collect_until, args=(stop,), name="collector", daemon=True).start()
