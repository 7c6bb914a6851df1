"""The Celery app of the worker: `celery -A worker.main worker`.

The main process sweeps; its one pool child supervises one trainer process at a time. Neither imports torch.
"""

import logging
import multiprocessing
import threading
from typing import Any

from celery.signals import worker_ready, worker_shutting_down

from core.queue import TRAIN_TASK, celery_app
from core.settings import Settings
from core.store import JobStore, connect
from models.shelf import Shelf
from worker.supervisor import Supervisor
from worker.sweeper import sweep_forever

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

settings = Settings()
app = celery_app(settings.redis_url)
draining = multiprocessing.Event()  # set in the main process, seen by the pool child


@app.task(name=TRAIN_TASK)  # type: ignore[untyped-decorator]
def train(job_id: str) -> None:
    """Carry out one job, whatever comes of it; its record tells."""
    store = JobStore(connect(settings.redis_url), settings.lease_s)
    Supervisor(store, Shelf(settings.shelf_dir), settings, draining.is_set).run(job_id)


@worker_ready.connect  # type: ignore[untyped-decorator]
def start_sweeper(**_: Any) -> None:
    """Sweep in the background for as long as the worker lives."""
    store = JobStore(connect(settings.redis_url), settings.lease_s)
    threading.Thread(target=sweep_forever, args=(store, app, draining), name="sweeper", daemon=True).start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def drain(**_: Any) -> None:
    """On SIGTERM: let the supervisor save, release its job and return."""
    draining.set()
