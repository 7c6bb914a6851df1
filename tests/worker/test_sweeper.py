import errno
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.recipe import PRESETS
from core.settings import Settings
from jobs.queue import QUEUE, celery_app
from jobs.record import TrainSpec
from jobs.store import JobStore
from models.notes import Notes
from models.retention import DAY_S
from models.shelf import Shelf
from sharing.places import Places
from tests.service import wait_until
from tests.tiny import save_tiny
from worker.sweeper import Sweeper

SPEC = TrainSpec(preset="smoke", recipe=PRESETS["smoke"], publish="auto")


@contextmanager
def sweeping(url: str, folder: Path, **settings: float) -> Iterator[threading.Thread]:
    """A sweeper at work in a thread, as in a worker."""
    own = Settings(redis_url=url, data_dir=folder, lease_s=1, heartbeat_s=0.2, **settings)  # type: ignore[arg-type]
    own.runs_dir.mkdir(parents=True)
    stop = threading.Event()
    with celery_app(url) as queue:
        sweeper = Sweeper(JobStore.of(own), Places.of(own), queue)
        thread = threading.Thread(target=sweeper.sweep_until, args=(stop,))
        thread.start()
        try:
            yield thread
        finally:
            stop.set()
            thread.join()


def test_a_sweeper_outlives_every_error_and_goes_on_with_the_rest(
    redis_server: RedisServer, redis: Redis, store: JobStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    redis.hset("digitforge:job:broken", "id", "broken")  # a record that nobody can read
    redis.zadd("digitforge:publishing", {"broken": 1})
    redis.set("digitforge:leases", "not an index")
    waiting = store.create(SPEC).job.id
    with sweeping(redis_server.url, tmp_path) as thread:
        wait_until(lambda: redis.llen(QUEUE) > 0)
        redis.delete(QUEUE)
        wait_until(lambda: redis.llen(QUEUE) > 0)  # and it goes on
        assert thread.is_alive()
    assert waiting in str(redis.lrange(QUEUE, 0, -1))
    told = {record.getMessage().partition(": WRONGTYPE")[0]: record.levelno for record in caplog.records}
    assert told["put off: publish job broken"] == logging.ERROR
    assert "put off: take expired leases" in told


def test_jobs_are_kept_for_ever_where_that_is_asked_for(
    redis_server: RedisServer, redis: Redis, store: JobStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = store.create(SPEC).job.id
    store.cancel(job_id)
    redis.zadd("digitforge:ended", {job_id: 1})
    with sweeping(redis_server.url, tmp_path / "kept", retention_days=float("inf")):
        store.create(SPEC)
        wait_until(lambda: redis.llen(QUEUE) > 0)
        redis.delete(QUEUE)
        wait_until(lambda: redis.llen(QUEUE) > 0)
    assert store.get(job_id).finished_at is not None
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
    with sweeping(redis_server.url, tmp_path / "not", retention_days=30.0):
        wait_until(lambda: not redis.exists(f"digitforge:job:{job_id}"))


def test_files_that_cannot_be_removed_are_tried_again(
    redis_server: RedisServer, redis: Redis, store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = store.create(SPEC).job.id
    store.cancel(job_id)
    store.delete(job_id)
    remove, tried = os.rmdir, threading.Event()

    def busy(path: str, **where: int) -> None:
        if not tried.is_set() and "busy" in str(path):
            tried.set()
            raise OSError(errno.EBUSY, "busy", path)
        remove(path, **where)

    monkeypatch.setattr(os, "rmdir", busy)
    with sweeping(redis_server.url, tmp_path):
        wait_until(lambda: store.deleted_ids() == set())  # nothing was there
        (tmp_path / "runs" / job_id / "busy").mkdir(parents=True)
        redis.sadd("digitforge:files", job_id)
        wait_until(tried.is_set)
        wait_until(lambda: not (tmp_path / "runs" / job_id).exists())
        wait_until(lambda: store.deleted_ids() == set())


def test_leases_do_not_wait_until_the_files_of_all_deleted_jobs_are_removed(
    redis_server: RedisServer, store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.sweeper.MOST_S_TO_REMOVE", 0.0)
    for job_id in [store.create(SPEC).job.id for _ in range(3)]:
        store.cancel(job_id)
        store.delete(job_id)
    own, left = Settings(redis_url=redis_server.url, data_dir=tmp_path), []
    own.runs_dir.mkdir(parents=True)
    with celery_app(redis_server.url) as queue:
        sweeper = Sweeper(store, Places.of(own), queue)
        for _ in range(3):
            sweeper.sweep()
            left.append(len(store.deleted_ids()))
    assert left == [2, 1, 0]


def test_the_shelf_keeps_as_many_models_as_are_asked_for(
    redis_server: RedisServer, store: JobStore, tmp_path: Path
) -> None:
    shelf, folder = Shelf(tmp_path / "shelf"), tmp_path / "models"
    models = []
    for seed in range(4):
        save_tiny(folder / str(seed), seed)
        models.append(shelf.add(folder / str(seed)).model_id)
        arrived = time.time() - DAY_S + seed
        os.utime(shelf.folder(models[-1]), (arrived, arrived))
    labelled, publishing, removed, newest = models
    shelf.change_notes(labelled, lambda _: Notes(labels={"keep": ""}))
    claim = store.claim(store.create(SPEC).job.id)
    assert claim is not None
    store.commit(claim, publishing)
    with sweeping(redis_server.url, tmp_path, keep_models=1):
        wait_until(lambda: removed not in {card.model_id for card in shelf.cards()})
    assert {card.model_id for card in shelf.cards()} == {labelled, publishing, newest, shelf.active()}
