"""The real supervisor with a real trainer and a real Redis, in a process that the kernel treats as a test wants it."""

import os
import subprocess
import sys
from pathlib import Path

from cli.redis_server import RedisServer
from core.card import verify_checkpoint
from core.dataset_shelf import DatasetShelf
from core.recipe import PRESETS
from core.run_dir import JobDir
from core.settings import Settings
from jobs.record import JobStatus, TrainSpec
from jobs.store import JobStore
from models.shelf import Shelf
from sharing.places import Places
from tests.imported import colourful, write_imported
from tests.refuse_links import without_links
from tests.tiny import tiny_recipe
from worker.supervisor import Supervisor

STOPPED_AFTER_AN_EPOCH_AND_TAKEN_UP_AGAIN = """
from core.settings import Settings
from jobs.store import JobStore
from sharing.places import Places
from worker.supervisor import Supervisor

settings = Settings()
store = JobStore.of(settings)
Supervisor(store, Places.of(settings), "cpu", lambda: any(settings.runs_dir.rglob("epoch-0001.png"))).run()
Supervisor(store, Places.of(settings), "cpu", lambda: False).run()
"""


def test_a_trainer_that_refuses_its_arguments_fails_the_job_at_once_with_what_it_said(
    tmp_path: Path, store: JobStore, redis_server: RedisServer
) -> None:
    job_id = store.create(TrainSpec(preset="smoke", recipe=PRESETS["smoke"], publish="never")).job.id
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path)
    Supervisor(store, Places.of(settings), "cuda:99", lambda: False).run()
    job = store.get(job_id)
    assert (job.status, job.attempt) == (JobStatus.FAILED, 1)
    assert job.error is not None
    assert job.error.type == "trainer-refused"
    assert job.error.detail.startswith("error: --device: torch sees no cuda:99 here; allowed: cpu")
    assert not job.error.retryable


def test_a_job_trains_on_the_data_set_that_its_name_stood_for_when_it_was_created(
    tmp_path: Path, store: JobStore, redis_server: RedisServer
) -> None:
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path, trainer_threads=1)
    datasets = DatasetShelf(settings.imported_dir)
    cards = [write_imported(tmp_path / f"made-{seed}", colourful(32, seed=seed)) for seed in (1, 2)]
    for seed, card in enumerate(cards, 1):
        with datasets.changing():
            datasets.add(tmp_path / f"made-{seed}", card.dataset_id)
            datasets.point("own", card.dataset_id)
    spec = TrainSpec(
        preset="quality", recipe=tiny_recipe(dataset="own"), publish="never", dataset_id=cards[0].dataset_id
    )
    job_id, shelf = store.create(spec).job.id, Shelf(settings.shelf_dir)
    Supervisor(store, Places.of(settings), "cpu", lambda: False).run()
    job = store.get(job_id)
    assert (job.status, job.error) == (JobStatus.SUCCEEDED, None)
    assert job.model_id is not None
    assert shelf.card(job.model_id).dataset_sha256 == cards[0].sha256


def test_a_job_goes_on_where_the_file_system_has_no_hard_links(
    tmp_path: Path, store: JobStore, redis_server: RedisServer
) -> None:
    recipe = PRESETS["smoke"].model_copy(update={"epochs": 8})
    job_id = store.create(TrainSpec(preset="smoke", recipe=recipe, publish="never")).job.id
    environment = os.environ | {
        "DIGITFORGE_REDIS_URL": redis_server.url,
        "DIGITFORGE_DATA_DIR": str(tmp_path),
        "DIGITFORGE_TRAINER_THREADS": "1",
    }
    command = without_links([sys.executable, "-c", STOPPED_AFTER_AN_EPOCH_AND_TAKEN_UP_AGAIN])
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr

    job = store.get(job_id)
    assert (job.status, job.attempt, job.error) == (JobStatus.SUCCEEDED, 2, None)
    first, second = (JobDir(tmp_path / "runs", job_id).attempt(number) for number in (1, 2))
    assert len(first.checkpoint_folders()) < 8
    for folder in second.checkpoint_folders():
        verify_checkpoint(folder)
    assert second.sample(1).read_bytes() == first.sample(1).read_bytes()
    assert not second.sample(1).samefile(first.sample(1))
