"""The real supervisor of imports with the real importer and a real Redis, from a claim to its end."""

import fcntl
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.dataset_arrays import open_dataset
from core.dataset_shelf import DatasetShelf
from core.errors import DatasetNotFound
from core.import_report import ImportReport
from core.run_dir import JobDir, RunDir
from core.settings import Settings
from jobs.record import ImportProgress, ImportSpec, Job, JobStatus
from jobs.store import JobStore
from sharing.places import Places
from tests.jobs.claims import events
from tests.programs import running
from tests.service import wait_until
from tests.uploaded import IMAGES, archive, import_spec, tree
from worker.import_supervisor import ImportSupervisor

REPORTS = {"options.json", "report.json", "problems.jsonl", "importer.log"}
LARGE = 3000  # images: an import that takes seconds


@pytest.fixture
def settings(tmp_path: Path, redis_server: RedisServer) -> Settings:
    return Settings(redis_url=redis_server.url, data_dir=tmp_path / "var", heartbeat_s=0.1)


@pytest.fixture
def store(redis: Redis, settings: Settings) -> JobStore:
    return JobStore(redis, settings.lease_s)


def datasets(settings: Settings) -> DatasetShelf:
    """As this machine sees them now."""
    found = Places.of(settings).datasets
    found.catch_up()
    return found


def carry_out(store: JobStore, settings: Settings, spec: ImportSpec) -> Job:
    """A new import, brought to an end."""
    job_id = store.create(spec).job.id
    assert ImportSupervisor(store, Places.of(settings), lambda: False).run()
    return store.get(job_id)


@contextmanager
def supervised(store: JobStore, settings: Settings, spec: ImportSpec) -> Iterator[str]:
    """A supervisor at work in a thread until the block ends; the id of its job, which has an importer by then."""
    job_id, over = store.create(spec).job.id, threading.Event()

    def work() -> None:
        while not over.is_set():
            if not ImportSupervisor(store, Places.of(settings), over.is_set).run():
                time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_until(lambda: store.get(job_id).progress is not None)
        yield job_id
    finally:
        over.set()
        thread.join()


def run_of(settings: Settings, job: Job) -> RunDir:
    return JobDir(settings.runs_dir, job.id).attempt(job.attempt)


def test_an_import_becomes_a_data_set_under_its_name(store: JobStore, settings: Settings, redis: Redis) -> None:
    spec = import_spec(settings, archive())
    job = carry_out(store, settings, spec)
    assert (job.status, job.error) == (JobStatus.SUCCEEDED, None)
    assert job.dataset is not None
    shelf = datasets(settings)
    assert (shelf.find("own"), shelf.names()) == (job.dataset, {"own": job.dataset})
    made = open_dataset(shelf.folder(job.dataset))
    assert (len(made.images), made.card.class_names, made.card.source.name) == (IMAGES, ["a", "b"], "own.zip")
    assert made.card.source.sha256 == spec.sha256
    assert Places.of(settings).uploads.ids() == []
    assert tree(run_of(settings, job).folder) == REPORTS
    assert ImportReport.model_validate_json(run_of(settings, job).report.read_bytes()).train == made.card.train
    assert isinstance(job.progress, ImportProgress)
    assert job.progress.phase == "writing"
    told = [kind for kind, _ in events(redis, job.id) if kind != "progress"]
    assert told == ["queued", "running", "publishing", "succeeded"]


def test_the_same_images_again_are_the_same_data_set_under_both_names(store: JobStore, settings: Settings) -> None:
    first = carry_out(store, settings, import_spec(settings, archive()))
    again = carry_out(store, settings, import_spec(settings, archive(), name="again"))
    assert again.dataset == first.dataset
    assert datasets(settings).names() == {"own": first.dataset, "again": first.dataset}
    assert tree(run_of(settings, again).folder) == REPORTS


def test_a_deleted_data_set_comes_back_when_it_is_imported_again(store: JobStore, settings: Settings) -> None:
    first, shelf = carry_out(store, settings, import_spec(settings, archive())), datasets(settings)
    assert first.dataset is not None
    with shelf.changing():
        shelf.delete(first.dataset)
    with pytest.raises(DatasetNotFound):
        shelf.find("own")
    carry_out(store, settings, import_spec(settings, archive()))
    assert shelf.find("own") == first.dataset
    assert len(open_dataset(shelf.folder(first.dataset)).images) == IMAGES


def test_another_file_under_the_same_name_is_a_new_version(store: JobStore, settings: Settings) -> None:
    first = carry_out(store, settings, import_spec(settings, archive(seed=1)))
    second = carry_out(store, settings, import_spec(settings, archive(seed=2)))
    shelf = datasets(settings)
    assert shelf.names() == {"own": second.dataset}
    assert set(shelf.ids()) == {first.dataset, second.dataset}


def test_a_dry_run_leaves_a_report_and_the_upload(store: JobStore, settings: Settings) -> None:
    spec = import_spec(settings, archive(), dry_run=True)
    job = carry_out(store, settings, spec)
    assert (job.status, job.dataset) == (JobStatus.SUCCEEDED, None)
    assert tree(run_of(settings, job).folder) == REPORTS
    assert datasets(settings).ids() == []
    imported = carry_out(store, settings, spec.model_copy(update={"dry_run": False}))
    assert imported.dataset is not None


def test_what_is_no_data_set_fails_with_its_report_and_may_be_imported_otherwise(
    store: JobStore, settings: Settings
) -> None:
    spec = import_spec(settings, archive(images=3))
    job = carry_out(store, settings, spec)
    assert (job.status, job.attempt) == (JobStatus.FAILED, 1)
    assert job.error is not None
    assert (job.error.type, job.error.retryable) == ("rejected", False)
    report = ImportReport.model_validate_json(run_of(settings, job).report.read_bytes())
    assert report.rejected == job.error.detail
    assert tree(run_of(settings, job).folder) == REPORTS
    assert Places.of(settings).uploads.ids() == [spec.upload]


def test_an_upload_that_is_gone_fails_the_job_and_says_so(store: JobStore, settings: Settings) -> None:
    spec = import_spec(settings, archive())
    Places.of(settings).uploads.delete(spec.upload)
    job = carry_out(store, settings, spec)
    assert job.error is not None
    assert (job.error.type, job.error.retryable) == ("bad-data", False)
    assert "upload the file again" in job.error.detail


def test_an_upload_that_is_locked_for_a_moment_is_waited_for(store: JobStore, settings: Settings) -> None:
    """By a sweeper that looks at its age, or a client that tries to write on."""
    spec = import_spec(settings, archive())
    with Places.of(settings).uploads.get(spec.upload).data.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        let_go = threading.Timer(0.5, fcntl.flock, (file, fcntl.LOCK_UN))
        let_go.start()
        job = carry_out(store, settings, spec)
        let_go.join()
    assert (job.status, job.error, job.attempt) == (JobStatus.SUCCEEDED, None, 1)


def test_an_upload_that_another_import_waits_for_is_kept_until_that_has_succeeded(
    store: JobStore, settings: Settings
) -> None:
    spec = import_spec(settings, archive())
    waiting = store.create(spec.model_copy(update={"name": "later"})).job.id
    store.pause(waiting)
    carry_out(store, settings, spec)
    assert Places.of(settings).uploads.ids() == [spec.upload]
    store.resume(waiting)
    assert ImportSupervisor(store, Places.of(settings), lambda: False).run()
    assert store.get(waiting).status is JobStatus.SUCCEEDED
    assert Places.of(settings).uploads.ids() == []


def test_a_cancelled_import_is_killed_and_leaves_nothing(store: JobStore, settings: Settings) -> None:
    with supervised(store, settings, import_spec(settings, archive(images=LARGE))) as job_id:
        store.cancel(job_id)
        wait_until(lambda: store.get(job_id).status is JobStatus.CANCELLED)
        assert tree(run_of(settings, store.get(job_id)).folder) <= REPORTS
    assert datasets(settings).ids() == []


def test_a_paused_import_starts_over_when_it_is_resumed(store: JobStore, settings: Settings) -> None:
    with supervised(store, settings, import_spec(settings, archive(images=LARGE))) as job_id:
        store.pause(job_id)
        wait_until(lambda: store.get(job_id).status is JobStatus.PAUSED)
        assert tree(run_of(settings, store.get(job_id)).folder) <= REPORTS
        store.resume(job_id)
        wait_until(lambda: store.get(job_id).status is JobStatus.SUCCEEDED, timeout_s=60)
    job = store.get(job_id)
    assert job.attempt == 2
    assert tree(JobDir(settings.runs_dir, job_id).folder) == {
        "attempt-001",
        "attempt-002",
        *(f"attempt-001/{name}" for name in REPORTS & tree(JobDir(settings.runs_dir, job_id).attempt(1).folder)),
        *(f"attempt-002/{name}" for name in REPORTS),
    }


def test_a_worker_that_stops_gives_its_import_back_without_a_strike(
    store: JobStore, settings: Settings, redis: Redis
) -> None:
    with supervised(store, settings, import_spec(settings, archive(images=LARGE))) as job_id:
        pass
    assert store.get(job_id).status is JobStatus.QUEUED
    assert events(redis, job_id)[-1] == ("queued", {"reason": "released"})
    assert store.queued_ids("import") == [job_id]


def test_options_of_a_newer_version_fail_the_job_with_what_is_not_known(store: JobStore, settings: Settings) -> None:
    spec = import_spec(settings, archive())
    job_id = store.create(spec).job.id
    newer = spec.model_dump_json().replace('"size":', '"glaze":1,"size":')
    store._redis.hset(f"digitforge:job:{job_id}", "spec", newer)
    ImportSupervisor(store, Places.of(settings), lambda: False).run()
    job = store.get(job_id)
    assert job.error is not None
    assert job.error.type == "importer-refused"
    assert job.error.detail.endswith("does not know: glaze")


FULL_FOR_THE_IMPORTER = """
import resource, sys
from pathlib import Path
from core.settings import Settings
from jobs.store import JobStore
from worker.import_supervisor import ImportSupervisor
from sharing.places import Places

settings = Settings()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # room for options, not for images
ImportSupervisor(JobStore.of(settings), Places.of(settings), Path(sys.argv[1]).exists).run()
"""


def test_an_importer_that_finds_no_space_is_tried_again_later(
    store: JobStore, settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    job_id, stop = store.create(import_spec(settings, archive())).job.id, tmp_path / "stop"
    environment = os.environ | {
        "DIGITFORGE_REDIS_URL": settings.redis_url,
        "DIGITFORGE_DATA_DIR": str(settings.data_dir),
    }
    with running([sys.executable, "-c", FULL_FOR_THE_IMPORTER, str(stop)], env=environment) as supervisor:
        wait_until(lambda: any(kind == "warning" for kind, _ in events(redis, job_id)))
        assert tree(run_of(settings, store.get(job_id)).folder) <= REPORTS
        stop.touch()
    assert supervisor.returncode == 0
    assert events(redis, job_id)[-1] == ("queued", {"reason": "released"})
    assert ImportSupervisor(store, Places.of(settings), lambda: False).run()
    assert store.get(job_id).status is JobStatus.SUCCEEDED


@contextmanager
def no_room(pid: int) -> Iterator[None]:
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def test_an_import_waits_for_space_on_a_full_disk(store: JobStore, settings: Settings, redis: Redis) -> None:
    spec = import_spec(settings, archive())
    with no_room(0):  # what is started from here has no room either
        job_id = store.create(spec).job.id
        thread = threading.Thread(target=ImportSupervisor(store, Places.of(settings), lambda: False).run)
        thread.start()
        wait_until(lambda: any(kind == "warning" for kind, _ in events(redis, job_id)))
        assert thread.is_alive()
    thread.join(60)
    assert store.get(job_id).status is JobStatus.SUCCEEDED
    assert store.get(job_id).attempt == 1
