"""Imports and trainings of a deployment of three machines: folders of their own over one store and one Redis."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.dataset_arrays import open_dataset
from core.dataset_card import FLOOR
from core.errors import UploadNotFound
from core.settings import Settings
from jobs.queue import celery_app
from jobs.record import JobStatus, TrainSpec
from jobs.store import JobStore
from sharing.places import Places
from tests.imported import colourful, write_imported
from tests.jobs.claims import expire, wait_for_uptime
from tests.tiny import digit_like, tiny_recipe
from tests.uploaded import IMAGES, archive, import_spec
from worker.dataset_publishing import attempt_key
from worker.import_supervisor import ImportSupervisor
from worker.supervisor import Supervisor
from worker.sweeper import Sweeper

Machine = Callable[[str], Settings]


@pytest.fixture
def machine(tmp_path: Path, redis_server: RedisServer) -> Machine:
    def settings(name: str) -> Settings:
        return Settings(
            redis_url=redis_server.url,
            data_dir=tmp_path / name,
            store_url=f"file://{tmp_path}/store",
            heartbeat_s=0.1,
            lease_s=1,
            trainer_threads=1,
        )

    return settings


@pytest.fixture
def store(redis: Redis, machine: Machine) -> JobStore:
    return JobStore(redis, machine("a").lease_s)


def test_a_file_that_came_to_one_machine_is_imported_on_another_and_seen_on_a_third(
    store: JobStore, machine: Machine
) -> None:
    a, b, c = machine("a"), machine("b"), machine("c")
    spec = import_spec(a, archive())
    job_id = store.create(spec).job.id
    assert ImportSupervisor(store, Places.of(b), lambda: False).run()
    job, datasets = store.get(job_id), Places.of(c).datasets
    assert (job.status, job.error) == (JobStatus.SUCCEEDED, None)
    assert job.dataset is not None
    assert datasets.find_now("own") == job.dataset
    datasets.fetch(job.dataset)
    assert len(open_dataset(datasets.folder(job.dataset)).images) == IMAGES
    for one in (a, b):
        with pytest.raises(UploadNotFound):
            Places.of(one).uploads.get(spec.upload)
    assert not list(b.uploads_dir.iterdir()), "nor is it left where it was imported"


def test_what_a_machine_had_committed_before_it_vanished_is_published_by_another(
    store: JobStore, machine: Machine, redis: Redis, tmp_path: Path
) -> None:
    a, b = machine("a"), machine("b")
    claim = store.claim(store.create(import_spec(a, archive())).job.id)
    assert claim is not None
    made = tmp_path / "made"
    card = write_imported(made, digit_like(20, 0)[..., np.newaxis])
    Places.of(a).datasets.offer(attempt_key(claim.job), card.dataset_id, made)
    store.commit(claim, card.dataset_id)
    redis.zadd("digitforge:publishing", {claim.job.id: 1})
    sweep(store, b, redis)
    assert store.get(claim.job.id).status is JobStatus.SUCCEEDED
    assert Places.of(b).datasets.find_now("own") == card.dataset_id


def test_what_an_attempt_offered_goes_once_its_job_is_over(
    store: JobStore, machine: Machine, redis: Redis, tmp_path: Path
) -> None:
    a, b = machine("a"), machine("b")
    claim = store.claim(store.create(import_spec(a, archive())).job.id)
    assert claim is not None
    card = write_imported(tmp_path / "made", digit_like(20, 0)[..., np.newaxis])
    places = Places.of(b)
    Places.of(a).datasets.offer(attempt_key(claim.job), card.dataset_id, tmp_path / "made")
    places.datasets.catch_up()
    expire(redis, claim)
    sweep(store, b, redis)
    assert places.store is not None
    assert list(places.store.list("datasets/")), "its job waits again"
    store.cancel(claim.job.id)
    sweep(store, b, redis)
    assert not list(places.store.list("datasets/"))


def test_a_data_set_of_one_machine_trains_on_another_which_shares_what_it_measured(
    store: JobStore, machine: Machine, tmp_path: Path
) -> None:
    a, b = Places.of(machine("a")), Places.of(machine("b"))
    card = write_imported(tmp_path / "made", colourful(40), train=32)
    a.datasets.add(tmp_path / "made", card.dataset_id)
    recipe = tiny_recipe(dataset="own")
    spec = TrainSpec(preset="quality", recipe=recipe, publish="never", dataset_id=card.dataset_id)
    job_id = store.create(spec).job.id
    assert Supervisor(store, b, "cpu", lambda: False).run()
    job = store.get(job_id)
    assert (job.status, job.error) == (JobStatus.SUCCEEDED, None)
    assert job.model_id is not None
    assert b.shelf.card(job.model_id).dataset_sha256 == card.sha256
    a.datasets.catch_up()
    floors = [places.datasets.folder(card.dataset_id) / FLOOR for places in (a, b)]
    assert floors[0].read_bytes() == floors[1].read_bytes()


def test_a_job_whose_data_set_was_deleted_says_so(store: JobStore, machine: Machine, tmp_path: Path) -> None:
    a, b = Places.of(machine("a")), Places.of(machine("b"))
    card = write_imported(tmp_path / "made", colourful(40), train=32)
    a.datasets.add(tmp_path / "made", card.dataset_id)
    spec = TrainSpec(preset="quality", recipe=tiny_recipe(dataset="own"), publish="never", dataset_id=card.dataset_id)
    job_id = store.create(spec).job.id
    a.datasets.delete(card.dataset_id)
    Supervisor(store, b, "cpu", lambda: False).run()
    error = store.get(job_id).error
    assert error is not None
    assert (error.type, error.retryable) == ("bad-data", False)
    assert error.detail == f"data set {card.dataset_id} was deleted: its card is left, its images are gone"


def sweep(store: JobStore, settings: Settings, redis: Redis) -> None:
    wait_for_uptime(redis, 1)
    with celery_app(settings.redis_url) as queue:
        Sweeper(store, Places.of(settings), queue).sweep()
