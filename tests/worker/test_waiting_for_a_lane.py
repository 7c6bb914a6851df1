"""Two lanes of a machine want the same data set: the second waits, and nobody is warned of a store that answers."""

from pathlib import Path
from typing import Any

from cli.redis_server import RedisServer
from core.errors import ShelfBusy
from core.settings import Settings
from jobs.record import JobProgress
from jobs.store import JobStore
from sharing.places import Places
from tests.jobs.claims import claimed
from tests.worker.test_monitor import MEANS, STARTED
from worker.monitor import RunMonitor
from worker.progress import RunProgress
from worker.supervisor import Supervisor
from worker.training.events import Progress


def test_a_job_that_waits_for_another_process_is_not_told_that_the_store_is_away(
    tmp_path: Path, store: JobStore, redis_server: RedisServer
) -> None:
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path, store_url=f"file://{tmp_path}/store")
    claim = claimed(store)
    monitor: RunMonitor[Any] = RunMonitor(store, claim, 0.1, RunProgress.before(claim.job))
    monitor.handle(STARTED)
    monitor.handle(Progress(step=1, epoch=1, **MEANS))
    supervisor = Supervisor(store, Places.of(settings), "cpu", lambda: False)
    faults: list[Exception] = [ShelfBusy("another process has been changing data set 1")]

    def fetch() -> str:
        if faults:
            raise faults.pop()
        return "done"

    assert supervisor._with_space(monitor, fetch) == "done"
    progress = monitor._run.progress
    assert isinstance(progress, JobProgress)
    assert progress.warnings == []
