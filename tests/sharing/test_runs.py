"""Runs on two machines that share a store."""

import os
import time
from pathlib import Path

import pytest

from core.errors import ObjectNotFound, StoreAway
from core.files import sha256_of, write_file
from core.run_dir import RunDir
from jobs.record import Claim
from jobs.store import JobStore
from objects.trees import put_tree
from sharing.run_cache import IN_USE_S, RunCache
from sharing.run_files import LAYOUT, RunFiles
from sharing.runs import Runs, SharedRuns
from tests.jobs.claims import claimed, claimed_again
from tests.sharing.test_run_copy import do_epoch, files
from tests.sharing.watched_store import WatchedStore
from worker.run_dirs import open_attempt

DAY_S = 86_400.0


@pytest.fixture
def shared(tmp_path: Path) -> WatchedStore:
    return WatchedStore(tmp_path / "store")


@pytest.fixture
def here(tmp_path: Path, shared: WatchedStore) -> SharedRuns:
    return SharedRuns(tmp_path / "here" / "runs", shared, tmp_path / "here" / "cache")


@pytest.fixture
def there(tmp_path: Path, shared: WatchedStore) -> SharedRuns:
    return SharedRuns(tmp_path / "there" / "runs", shared, tmp_path / "there" / "cache")


def begin(runs: Runs, claim: Claim) -> RunDir:
    runs.bring(claim.job)
    return open_attempt(runs.of(claim.job.id), claim.job.attempt)


def save(runs: SharedRuns, store: JobStore, claim: Claim, run: RunDir) -> str:
    key = runs.copy_of(claim.job, run).save()
    assert store.beat(claim, saved=key) == "ok"
    return key


def released(store: JobStore, claim: Claim) -> Claim:
    store.release(claim)
    return claimed_again(store, claim.job.id)


def first_saved(runs: SharedRuns, store: JobStore) -> tuple[Claim, RunDir]:
    claim = claimed(store)
    run = begin(runs, claim)
    do_epoch(run, 1)
    save(runs, store, claim, run)
    return claim, run


def newest(runs: Runs, store: JobStore, claim: Claim) -> RunFiles:
    return runs.files(store.get(claim.job.id))[0]


def test_a_run_goes_on_elsewhere_with_all_its_files(here: SharedRuns, there: SharedRuns, store: JobStore) -> None:
    first, run = first_saved(here, store)
    second = released(store, first)
    moved = begin(there, second)
    assert files(moved.folder) == files(run.folder) - {"trainer.log"}
    assert moved.state(1).is_dir()
    do_epoch(moved, 2)
    save(there, store, second, moved)
    third = released(store, second)
    back = begin(here, third)
    assert files(back.folder) == files(moved.folder) - {"trainer.log"}


def test_a_machine_that_had_the_attempt_before_goes_on_from_its_own_files(
    here: SharedRuns, store: JobStore, shared: WatchedStore
) -> None:
    first, run = first_saved(here, store)
    do_epoch(run, 2)  # which was not saved any more
    shared.is_away = True
    assert begin(here, released(store, first)).state(2).is_dir()


def test_an_attempt_that_never_began_costs_nothing(here: SharedRuns, there: SharedRuns, store: JobStore) -> None:
    first, _ = first_saved(here, store)
    second = released(store, first)  # by a worker that vanished at once
    assert begin(there, released(store, second)).state(1).is_dir()


def test_nothing_is_there_when_the_store_goes_away_meanwhile(
    here: SharedRuns, there: SharedRuns, store: JobStore, shared: WatchedStore
) -> None:
    first, _ = first_saved(here, store)
    second, shared.is_away = released(store, first), True
    with pytest.raises(StoreAway):
        there.bring(second.job)
    assert not there.of(first.job.id).folder.exists()
    shared.is_away = False
    assert begin(there, second).state(1).is_dir()


@pytest.mark.parametrize("damage", ["altered", "gone"])
def test_what_cannot_be_read_in_the_store_is_done_again(
    here: SharedRuns, there: SharedRuns, store: JobStore, shared: WatchedStore, tmp_path: Path, damage: str
) -> None:
    first, _ = first_saved(here, store)
    for key in shared.all_keys():
        path = tmp_path / "store" / key
        path.unlink() if damage == "gone" else path.write_bytes(path.read_bytes()[:-1])
    assert files(begin(there, released(store, first)).folder) == set()


def test_files_are_the_same_on_each_machine(here: SharedRuns, there: SharedRuns, store: JobStore) -> None:
    claim, run = first_saved(here, store)
    ours, theirs = newest(here, store, claim), newest(there, store, claim)
    assert ours.sample_epochs() == theirs.sample_epochs() == [1]
    assert ours.checkpoint_epochs() == theirs.checkpoint_epochs() == [1]
    assert theirs.names_in(LAYOUT.states) == {"step-00000001"}
    for name in map(Path, files(run.folder)):
        ours_now, theirs_now = ours.find(name), theirs.find(name)
        assert ours_now is not None
        assert theirs_now is not None
        assert ours_now.read_bytes() == theirs_now.read_bytes()
        assert (theirs_now.name, theirs.size(name)) == (name.name, ours.size(name))
        assert ours.sha256(name) == theirs.sha256(name) == sha256_of(ours_now)
    for missing in (Path("samples"), Path("samples/epoch-0009.png")):
        assert (ours.find(missing), theirs.find(missing), ours.size(missing), theirs.size(missing)) == (None,) * 4


def test_a_file_is_fetched_once_and_is_there_while_the_store_is_away(
    here: SharedRuns, there: SharedRuns, store: JobStore, shared: WatchedStore
) -> None:
    claim, _ = first_saved(here, store)
    card = LAYOUT.checkpoint(1) / "card.json"
    theirs = newest(there, store, claim)
    theirs.fetch([card, LAYOUT.sample(1), LAYOUT.sample(9)])
    shared.is_away = True
    for name in (card, LAYOUT.sample(1)):
        assert newest(there, store, claim).find(name) is not None
    with pytest.raises(StoreAway):
        theirs.find(LAYOUT.trainer_log)


def test_a_live_run_is_read_where_it_is_and_elsewhere_as_of_its_last_save(
    here: SharedRuns, there: SharedRuns, store: JobStore
) -> None:
    claim, run = first_saved(here, store)
    do_epoch(run, 2)
    assert newest(here, store, claim).sample_epochs() == [1, 2]
    assert newest(there, store, claim).sample_epochs() == [1]
    save(here, store, claim, run)
    assert newest(there, store, claim).sample_epochs() == [1, 2]


def test_an_old_attempt_on_this_machine_is_not_read_once_another_has_gone_on(
    here: SharedRuns, there: SharedRuns, store: JobStore
) -> None:
    first, _ = first_saved(here, store)
    second = released(store, first)
    run = begin(there, second)
    do_epoch(run, 2)
    save(there, store, second, run)
    assert newest(here, store, second).sample_epochs() == [1, 2]


def test_a_record_that_was_read_too_long_ago_is_said(here: SharedRuns, there: SharedRuns, store: JobStore) -> None:
    claim, run = first_saved(here, store)
    old, copy = store.get(claim.job.id), here.copy_of(claim.job, run)
    for epoch in (2, 3):
        do_epoch(run, epoch)
        key = copy.save()
        store.beat(claim, saved=key)
        copy.clear(key)
    with pytest.raises(ObjectNotFound):
        there.files(old)


def test_a_deleted_job_leaves_nothing_in_the_store_and_on_the_other_machine_for_a_day(
    here: SharedRuns, there: SharedRuns, store: JobStore, shared: WatchedStore
) -> None:
    claim, _ = first_saved(here, store)
    job_id = claim.job.id
    assert newest(there, store, claim).find(LAYOUT.sample(1)) is not None
    shared.is_away = True
    assert not there.remove(job_id)  # so it is tried again
    shared.is_away = False
    assert there.remove(job_id)
    assert shared.all_keys() == set()

    gone = {job_id}
    assert here.remove_strays(lambda ids: gone & set(ids), DAY_S) == []
    for path in (here.of(job_id).folder, *here.of(job_id).folder.glob("*")):
        os.utime(path, times=(0, 0))
    assert here.remove_strays(lambda _: set(), DAY_S) == []
    assert here.remove_strays(lambda ids: gone & set(ids), DAY_S) == [job_id]
    assert not here.of(job_id).folder.exists()


def test_one_machine_alone_has_nothing_to_share(tmp_path: Path, store: JobStore) -> None:
    runs, claim = Runs(tmp_path), claimed(store)
    run = begin(runs, claim)
    assert runs.copy_of(claim.job, run) is None
    write_file(run.recipe, b"{}")
    (found,) = runs.files(claim.job)
    assert (found.find(LAYOUT.recipe), found.sha256(LAYOUT.recipe)) == (run.recipe, None)
    assert runs.remove_strays(lambda ids: set(ids), 0) == []
    assert run.folder.is_dir()


def test_the_cache_keeps_what_was_asked_for_last(here: SharedRuns, store: JobStore, shared: WatchedStore) -> None:
    claim, run = first_saved(here, store)
    copy = here.copy_of(claim.job, run)
    for epoch in (2, 3):
        do_epoch(run, epoch)
        copy.save()
    (files_of,) = here.files(store.get(claim.job.id))[:1]
    assert files_of.sample_epochs() == [1, 2, 3]
    cache = RunCache(here.root.parent / "small", shared, most_bytes=20)
    tree = here._get_list(copy.save())
    paths = []
    for epoch in (1, 2, 3):
        name = LAYOUT.sample(epoch)
        path = cache.get("a-job", tree.files[name.as_posix()], name.name)
        assert path.read_bytes() == b"sample %d" % epoch
        long_ago = time.time() - 2 * IN_USE_S + epoch
        os.utime(path, (long_ago, long_ago))
        paths.append(path)
    assert [path.exists() for path in paths] == [False, True, True]
    assert cache.job_ids() == {"a-job"}


def test_the_cache_looks_for_room_once_for_many_small_files(here: SharedRuns, shared: WatchedStore) -> None:
    looks = 0

    class Counting(RunCache):
        def _make_room(self) -> None:
            nonlocal looks
            looks += 1
            super()._make_room()

    folder, names = here.root.parent / "many", [f"{number}.json" for number in range(64)]
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(name.ljust(10))
    files = put_tree(shared, "runs/a-job/a001", folder).files
    cache = Counting(here.root.parent / "small", shared, most_bytes=64 * 100)
    cache.get_all("a-job", [(files[name], name) for name in names])
    assert looks <= 1 + 640 // 100
    assert len(list((here.root.parent / "small" / "a-job").iterdir())) == len(names)
