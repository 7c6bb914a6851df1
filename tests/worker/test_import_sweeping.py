"""What the sweeper does for imports: it ends what vanished workers left, and removes what nobody needs any more."""

from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from cli.redis_server import RedisServer
from core.dataset_card import DatasetCard
from core.dataset_shelf import DatasetShelf
from core.errors import UploadNotFound
from core.files import remove_tree
from core.run_dir import JobDir, RunDir
from core.settings import Settings
from jobs.queue import celery_app, waiting_messages
from jobs.record import Claim, JobStatus
from jobs.store import JobStore
from sharing.places import Places
from tests.imported import write_imported
from tests.jobs.claims import expire, wait_for_uptime
from tests.tiny import digit_like
from tests.uploaded import grow_old, import_spec, tree
from worker.sweeper import Sweeper


@pytest.fixture
def settings(tmp_path: Path, redis_server: RedisServer) -> Settings:
    return Settings(redis_url=redis_server.url, data_dir=tmp_path / "var", lease_s=1, heartbeat_s=0.1)


@pytest.fixture
def store(redis: Redis, settings: Settings) -> JobStore:
    wait_for_uptime(redis, 1)
    return JobStore(redis, settings.lease_s)


def datasets(settings: Settings) -> DatasetShelf:
    """As this machine sees them now."""
    found = Places.of(settings).datasets
    found.catch_up()
    return found


def sweep(store: JobStore, settings: Settings) -> None:
    settings.runs_dir.mkdir(parents=True, exist_ok=True)
    with celery_app(settings.redis_url) as queue:
        Sweeper(store, Places.of(settings), queue).sweep()
        assert waiting_messages(queue) == 0, "nobody waits for a message of an import"


def claimed(store: JobStore, settings: Settings, name: str = "own") -> Claim:
    claim = store.claim(store.create(import_spec(settings, b"digits", name)).job.id)
    assert claim is not None
    return claim


def make(settings: Settings, claim: Claim, seed: int = 0) -> tuple[RunDir, DatasetCard]:
    """What an importer leaves."""
    run = JobDir(settings.runs_dir, claim.job.id).attempt(claim.job.attempt)
    card = write_imported(run.dataset, digit_like(20, seed)[..., np.newaxis], name=claim.job.importing.name)
    for path in (run.import_options, run.report, run.problems, run.importer_log):
        path.touch()
    return run, card


def test_a_committed_import_is_published_by_the_sweeper(store: JobStore, settings: Settings, redis: Redis) -> None:
    claim = claimed(store, settings)
    run, card = make(settings, claim)
    store.commit(claim, card.dataset_id)
    redis.zadd("digitforge:publishing", {claim.job.id: 1})
    sweep(store, settings)
    assert (store.get(claim.job.id).status, store.get(claim.job.id).dataset) == (JobStatus.SUCCEEDED, card.dataset_id)
    assert datasets(settings).find("own") == card.dataset_id
    assert not run.dataset.exists()
    assert Places.of(settings).uploads.ids() == []


def test_a_publication_that_somebody_holds_up_is_put_off(store: JobStore, settings: Settings, redis: Redis) -> None:
    claim = claimed(store, settings)
    _, card = make(settings, claim)
    store.commit(claim, card.dataset_id)
    redis.zadd("digitforge:publishing", {claim.job.id: 1})
    with datasets(settings).changing():
        sweep(store, settings)
        assert store.get(claim.job.id).is_publishing
    sweep(store, settings)
    assert store.get(claim.job.id).status is JobStatus.SUCCEEDED


def test_a_name_keeps_the_meaning_that_a_later_import_gave_it(
    store: JobStore, settings: Settings, redis: Redis
) -> None:
    """The first publisher was frozen after it had moved its data set, and before it said so."""
    first, second, shelf = claimed(store, settings), claimed(store, settings), datasets(settings)
    for claim, seed in ((first, 1), (second, 2)):
        run, card = make(settings, claim, seed)
        store.commit(claim, card.dataset_id)
        if claim is first:
            with shelf.changing():
                shelf.add(run.dataset, card.dataset_id)
                shelf.point("own", card.dataset_id)
            remove_tree(run.dataset)
        else:
            redis.zadd("digitforge:publishing", {claim.job.id: 1})
            sweep(store, settings)
    redis.zadd("digitforge:publishing", {first.job.id: 1})
    sweep(store, settings)
    assert store.get(first.job.id).status is JobStatus.SUCCEEDED
    assert shelf.find("own") == card.dataset_id


def test_an_import_whose_worker_vanished_waits_again_and_what_it_left_goes_with_its_end(
    store: JobStore, settings: Settings, redis: Redis
) -> None:
    claim = claimed(store, settings)
    run, _ = make(settings, claim)
    expire(redis, claim)
    sweep(store, settings)
    assert store.queued_ids("import") == [claim.job.id]
    assert run.dataset.exists(), "the next attempt removes it"
    store.cancel(claim.job.id)
    sweep(store, settings)
    assert tree(run.folder) == {"options.json", "report.json", "problems.jsonl", "importer.log"}


def test_uploads_that_were_not_used_for_a_day_are_removed_but_for_those_that_an_import_waits_for(
    store: JobStore, settings: Settings
) -> None:
    uploads = Places.of(settings).uploads
    waiting, ended, forgotten = (import_spec(settings, data) for data in (b"1", b"2", b"3"))
    fresh = import_spec(settings, b"4")
    for spec in (waiting, ended):
        job_id = store.create(spec).job.id
    store.cancel(job_id)
    for spec in (waiting, ended, forgotten):
        grow_old(settings, spec.upload)
    sweep(store, settings)
    assert set(uploads.ids()) == {waiting.upload, fresh.upload}
    with pytest.raises(UploadNotFound):
        uploads.get(ended.upload)
