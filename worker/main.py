"""The Celery app of the worker: `celery -A worker.main worker`.

The main process sweeps; for each device a pool child supervises one trainer process at a time, and one more process
(`worker/import_lane.py`) one importer process. None imports torch.
"""

import logging
import multiprocessing
import os
import secrets
import threading
import time
from functools import partial
from typing import Any

from celery.signals import setup_logging, worker_process_init, worker_ready, worker_shutdown, worker_shutting_down

from core.logs import log_to_stderr
from core.settings import Settings
from jobs.queue import TRAIN_TASK, celery_app
from jobs.redis_client import connect
from jobs.store import JobStore
from jobs.workers import Workers, client_name
from sharing.places import Places
from webhooks.deliverer import Deliverer
from worker import metrics
from worker.apart import Looked, keep_apart
from worker.devices import devices_of, own_device, own_lane
from worker.import_lane import keep_running
from worker.meters import Number, WorkerMeters
from worker.supervisor import Supervisor
from worker.sweeper import Sweeper
from worker.telling import MainProcess, Telling, lane_report

ORPHAN_CHECK_S = 0.5

settings = Settings()
log_to_stderr(settings, "worker")
worker_id = secrets.token_hex(4)
devices = devices_of(settings.devices)
app = celery_app(settings.redis_url)
app.conf.worker_concurrency = len(devices)
app.conf.broker_transport_options["client_name"] = client_name(worker_id)
draining = multiprocessing.Event()  # set in the main process, seen by the pool child
meters = WorkerMeters(devices)  # in memory that the pool children share
import_lane = threading.Thread(target=keep_running, args=(draining, meters, worker_id), name="import-lane", daemon=True)
main_process = MainProcess(
    Workers(connect(settings.redis_url)), worker_id, devices, draining.is_set, lambda: meters[Number.SWEPT_AT]
)
telling = Telling(main_process.tell)
carrying: list[Supervisor] = []  # of the pool child that this process is: the one that carries jobs out, if any


@app.task(name=TRAIN_TASK)  # type: ignore[untyped-decorator]
def train(job_id: str) -> None:
    """Carry out one job, whatever comes of it; its record tells.

    The oldest queued one, which need not be the message's: a job that came back has its old place in the queue, but no
    message, and no new one is sent while others wait.
    """
    logging.getLogger(__name__).info("a message, sent for job %s", job_id)
    device = own_device(devices)
    store, places, lane = JobStore.of(settings), Places.of(settings), meters.lane(own_lane())
    supervisor = Supervisor(store, places, device, draining.is_set, lane)
    carrying[:] = [supervisor]
    if not supervisor.run():
        logging.getLogger(__name__).info("no training is queued any more, nothing to do")


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_logging(**_: Any) -> None:
    """Celery sets nothing up where somebody listens to this signal: `core/logs.py` has done it."""


@worker_ready.connect  # type: ignore[untyped-decorator]
def start_sweeper(**_: Any) -> None:
    """Sweep in the background for as long as the worker lives."""

    def sweep() -> None:
        queue = app if settings.store_url is None else celery_app(settings.redis_url)  # connections of its own
        Sweeper(JobStore.of(settings), Places.of(settings), queue, meters).sweep_until(
            draining if settings.store_url is None else Looked(draining)
        )

    work = sweep if settings.store_url is None else partial(keep_apart, sweep, draining)
    threading.Thread(target=work, name="sweeper", daemon=True).start()


@worker_ready.connect  # type: ignore[untyped-decorator]
def serve_metrics(**_: Any) -> None:
    """On a port of this process, where one is set."""
    metrics.serve(settings, meters, draining)


@worker_ready.connect  # type: ignore[untyped-decorator]
def start_deliverer(**_: Any) -> None:
    """Tell webhooks of the ends of jobs, where they are on."""
    if settings.webhooks != "off":
        Deliverer(settings).start(draining)


@worker_ready.connect  # type: ignore[untyped-decorator]
def start_import_lane(**_: Any) -> None:
    """Carry out imports beside the trainings."""
    import_lane.start()


@worker_ready.connect  # type: ignore[untyped-decorator]
def start_telling(**_: Any) -> None:
    """Tell Redis of this worker."""
    telling.start()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def wait_for_import_lane(**_: Any) -> None:
    """Once all is drained: an import was given back too."""
    draining.set()
    if import_lane.is_alive():
        import_lane.join()
    telling.end()
    main_process.forget()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def tell_of_lane(**_: Any) -> None:
    """Tell Redis of this pool child."""
    workers, lane = Workers(connect(settings.redis_url)), str(own_lane())

    def tell() -> None:
        workers.tell_of_lane(worker_id, lane, lane_report(carrying[0].under_way if carrying else None))

    Telling(tell).start()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def end_with_main_process(**_: Any) -> None:
    """A pool child whose main process was killed ends too, and its trainer with it: nobody could stop it any more.

    Not by PR_SET_PDEATHSIG, which goes by the thread that forked: Celery's may end before the process does.
    """
    main_process = os.getppid()
    meters.lane(own_lane()).idle()  # whoever was here before may have been killed at work

    def watch() -> None:
        while os.getppid() == main_process:
            time.sleep(ORPHAN_CHECK_S)
        logging.getLogger(__name__).error("the worker's main process is gone; ending")
        os._exit(1)

    threading.Thread(target=watch, name="orphan-check", daemon=True).start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def drain(**_: Any) -> None:
    """On SIGTERM: let the supervisor save, release its job and return."""
    draining.set()
