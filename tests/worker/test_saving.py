"""Saving beside a run: one save at a time, tried again while the store is away, and told by the beats."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from core.run_dir import JobDir
from core.vocabulary import Answer
from jobs.record import Claim, JobProgress
from jobs.store import JobStore
from sharing.run_copy import RunCopy
from tests.jobs.claims import claimed, claimed_again
from tests.service import wait_until
from tests.sharing.test_run_copy import do_epoch, names
from tests.sharing.watched_store import WatchedStore
from tests.worker.test_monitor import STARTED
from worker.carrying import warn_of_fault
from worker.monitor import RunMonitor
from worker.progress import RunProgress
from worker.run_dirs import open_attempt
from worker.saving import RunSaver
from worker.training.events import Progress

MEANS = {"kimg": 0.5, "images_per_s": 100.0, "loss_d": 1.3, "loss_g": 0.7, "d_real": 0.6, "d_fake": 0.4}


class Scene:
    """A run of a job with a monitor, a store and a saver."""

    def __init__(self, tmp_path: Path, jobs: JobStore) -> None:
        self.store, self.jobs = WatchedStore(tmp_path / "store"), jobs
        self.claim: Claim = claimed(jobs)
        job = self.claim.job
        self.monitor: RunMonitor[Any] = RunMonitor(jobs, self.claim, 0, RunProgress.before(job))
        self.monitor.handle(STARTED)
        self.monitor.handle(Progress(step=1, epoch=1, **MEANS))
        self.run = open_attempt(JobDir(tmp_path / "runs", job.id), 1)
        self.saver = RunSaver(RunCopy(self.store, job.id, 1, self.run, None, None))
        self.monitor.saves = self.saver

    @property
    def saved(self) -> str | None:
        return self.jobs.get(self.claim.job.id).saved

    def finish(self, within_s: float = 20.0) -> bool:
        return self.saver.finish(self.monitor, within_s, 0.01)


@pytest.fixture
def scene(tmp_path: Path, store: JobStore) -> Iterator[Scene]:
    scene = Scene(tmp_path, store)
    with scene.saver:
        yield scene


def test_a_save_is_told_with_the_next_beat_and_what_is_old_goes(scene: Scene) -> None:
    keys: list[str] = []
    for epoch in (1, 2, 3):
        do_epoch(scene.run, epoch)
        scene.saver.want()
        wait_until(lambda: scene.saver.untold is not None)
        assert scene.saved == (keys[-1] if keys else None)
        scene.monitor.beat()
        assert scene.saver.untold is None
        assert scene.saved is not None
        keys.append(scene.saved)
    wait_until(lambda: keys[0] not in scene.store.all_keys())
    assert set(keys[1:]) <= scene.store.all_keys()


def test_epochs_that_end_while_one_is_saved_are_saved_as_one(scene: Scene) -> None:
    begun, going_on = Event(), Event()

    def wait(_: str) -> None:
        begun.set()
        going_on.wait(20)

    scene.store.before_put = wait
    do_epoch(scene.run, 1)
    scene.saver.want()
    assert begun.wait(20)
    for epoch in (2, 3, 4):
        do_epoch(scene.run, epoch)
        scene.saver.want()
    going_on.set()
    assert scene.finish()
    lists = {key for key in scene.store.put if b'"files"' in scene.store.get(key).data}
    assert len(lists) <= 3  # that of the first epoch, that of the others, and the last word
    assert scene.saved is not None
    assert "checkpoints/epoch-0004/card.json" in names(scene.store, scene.saved)


def test_the_run_goes_on_while_the_store_is_away_and_a_warning_is_told_once(scene: Scene) -> None:
    scene.saver._pause_s, scene.store.is_away = 0.01, True
    do_epoch(scene.run, 1)
    scene.saver.want()
    for _ in range(2):
        wait_until(lambda: scene.saver._fault is not None)
        warn_of_fault(scene.monitor, scene.saver)
    last = scene.monitor.last
    assert isinstance(last, Progress)  # it is not the trainer that said so
    progress = scene.jobs.get(scene.claim.job.id).progress
    assert isinstance(progress, JobProgress)
    (warning,) = progress.warnings
    assert (warning.kind, warning.detail) == ("store-away", "StoreAway: the test has taken it away")
    scene.store.is_away = False
    wait_until(lambda: scene.saver.untold is not None)
    scene.monitor.beat()
    assert scene.saved is not None
    assert scene.saver.fault() is None


def test_a_save_that_fails_for_whatever_reason_is_tried_again(scene: Scene) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("nobody thought of this")

    scene.saver._pause_s, scene.store.before_put = 0.01, fail
    do_epoch(scene.run, 1)
    assert not scene.finish()
    assert scene.saver.fault() == "RuntimeError: nobody thought of this"
    scene.store.before_put = lambda _: None
    assert scene.finish()
    assert scene.saved is not None


def test_the_end_of_a_run_waits_for_one_try(scene: Scene) -> None:
    do_epoch(scene.run, 1)
    scene.store.is_away = True
    assert not scene.finish()
    scene.store.is_away = False
    do_epoch(scene.run, 2)
    assert scene.finish()
    assert scene.saved is not None
    assert "state/step-00000002/manifest.json" in names(scene.store, scene.saved)
    assert scene.finish()  # said again it changes nothing


def test_the_end_of_a_run_waits_no_longer_than_it_may(scene: Scene) -> None:
    going_on = Event()
    scene.store.before_put = lambda _: going_on.wait(20)
    do_epoch(scene.run, 1)
    assert not scene.finish(within_s=0.1)
    going_on.set()


def test_what_a_former_owner_saves_is_not_named_and_removes_nothing(scene: Scene, tmp_path: Path) -> None:
    do_epoch(scene.run, 1)
    assert scene.finish()
    first = scene.saved
    scene.jobs.release(scene.claim)
    claimed_again(scene.jobs, scene.claim.job.id)
    do_epoch(scene.run, 2)
    assert not scene.finish()
    assert scene.monitor.request is Answer.LOST
    assert scene.saved == first
    assert first in scene.store.all_keys()


def test_a_run_of_one_machine_alone_is_not_saved(tmp_path: Path, store: JobStore) -> None:
    claim = claimed(store)
    monitor: RunMonitor[Any] = RunMonitor(store, claim, 0, RunProgress.before(claim.job))
    with RunSaver(None) as saver:
        saver.want()
        assert saver.finish(monitor, 0, 0)
    assert saver.untold is None
