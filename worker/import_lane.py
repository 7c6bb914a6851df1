"""`python -m worker.import_lane`: carries out imports, one after another, beside the trainings of the same worker.

The worker starts it, and starts it again when it dies. Nobody sends it messages: it looks for queued imports itself.
With a store it also follows it for the whole worker, whose main process must be able to fork.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
from multiprocessing.synchronize import Event

from redis import RedisError

from core.child import die_with_parent, stop_child
from core.logs import log_to_stderr
from core.startup import EXIT_FAILED, PYTHON, read_settings, run
from jobs.redis_client import connect
from jobs.store import JobStore
from jobs.workers import IMPORT_LANE, Workers
from sharing.places import Places
from worker.collecting import start_collecting
from worker.import_supervisor import ImportSupervisor
from worker.meters import Number, WorkerMeters
from worker.telling import Telling, lane_report

LOOK_S = 0.5  # how often it looks for a queued import
RESTART_S = 1.0
STOP_S = 10.0  # an importer is killed and its job given back, which takes no longer than Redis

logger = logging.getLogger(__name__)


def main() -> int:
    """Work until SIGTERM or the end of the parent, whose process id and worker's id are the arguments."""
    if not die_with_parent(int(sys.argv[1])):
        return EXIT_FAILED
    settings, stop = read_settings(), threading.Event()
    log_to_stderr(settings, "import-lane")
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the worker decides
    places = Places.of(settings)
    if places.follower:
        places.follower.start()
    supervisor = ImportSupervisor(JobStore.of(settings), places, stop.is_set)
    workers, worker_id = Workers(connect(settings.redis_url)), sys.argv[2]
    Telling(lambda: workers.tell_of_lane(worker_id, IMPORT_LANE, lane_report(supervisor.under_way))).start()
    start_collecting(settings, stop)
    while not stop.is_set():
        if not _one_import(supervisor):
            stop.wait(LOOK_S)
    return 0


def _one_import(supervisor: ImportSupervisor) -> bool:
    try:
        return supervisor.run()
    except RedisError as error:
        logger.warning("Redis is away, looking for imports again: %s", error)
    return False


def keep_running(draining: Event, meters: WorkerMeters, worker_id: str) -> None:
    """Run the lane as a child of this process until `draining` is set. To be called by a thread of its own."""
    command = [*PYTHON, "-m", "worker.import_lane", str(os.getpid()), worker_id]
    while not draining.is_set():
        lane = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        meters.count(Number.IMPORT_LANE_STARTS)
        meters.set(Number.IMPORT_LANE_UP, 1)
        while lane.poll() is None and not draining.wait(LOOK_S):
            pass
        meters.set(Number.IMPORT_LANE_UP, 0)
        if lane.returncode is None:
            stop_child(lane, STOP_S)
        else:
            logger.error("the process that carries out imports ended with %d; it is started again", lane.returncode)
            draining.wait(RESTART_S)


if __name__ == "__main__":
    run(main)
