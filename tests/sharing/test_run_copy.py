"""What the store has of a run: saved while it is written, fetched elsewhere, and cleared of what nobody names."""

import shutil
from pathlib import Path

import pytest

from core.errors import StoreAway
from core.files import TEMPORARY_PREFIX, remove_folder, write_file
from core.run_dir import JobDir, RunDir
from objects.trees import CHUNK, get_list
from sharing.run_copy import RunCopy, attempt_of
from tests.sharing.watched_store import WatchedStore
from worker.run_dirs import open_attempt

JOB = "a-job"


@pytest.fixture
def store(tmp_path: Path) -> WatchedStore:
    return WatchedStore(tmp_path / "store")


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = open_attempt(JobDir(tmp_path / "here", JOB), 1)
    write_file(run.recipe, b"{}")
    do_epoch(run, 1)
    return run


def do_epoch(run: RunDir, epoch: int) -> None:
    """The files of an epoch, in the order of the trainer."""
    run.samples.mkdir(exist_ok=True)
    write_file(run.sample(epoch), b"sample %d" % epoch)
    run.checkpoint(epoch).mkdir(parents=True)
    for name in ("card.json", "generator.safetensors"):
        write_file(run.checkpoint(epoch) / name, f"{name} of {epoch}".encode())
    run.state(epoch).mkdir(parents=True)
    for name in ("manifest.json", "tensors.safetensors"):
        write_file(run.state(epoch) / name, f"{name} of {epoch}".encode())
    for old in run.state_folders()[2:]:
        remove_folder(old, "state")
    with run.trainer_log.open("a") as log:
        log.write(f"epoch {epoch}\n")


def copy_of(store: WatchedStore, run: RunDir, attempt: int = 1, before: str | None = None) -> RunCopy:
    return RunCopy(store, JOB, attempt, run, before, "dataset")


def names(store: WatchedStore, key: str) -> set[str]:
    return set(get_list(store, key).files)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_list_names_all_files_but_half_written_ones_and_what_stays_here(store: WatchedStore, run: RunDir) -> None:
    expected = files(run.folder)
    (run.samples / f"{TEMPORARY_PREFIX}half").write_bytes(b"half")
    run.dataset.mkdir()
    (run.dataset / "images.idx").write_bytes(b"images")
    key = copy_of(store, run).save()
    assert names(store, key) == expected
    assert attempt_of(key) == 1
    assert {attempt_of(one) for one in store.all_keys()} == {1}


def test_only_what_is_new_is_put_and_nothing_is_put_twice(store: WatchedStore, run: RunDir) -> None:
    copy = copy_of(store, run)
    first = copy.save()
    assert copy.save() == first
    store.put.clear()
    do_epoch(run, 2)
    second = copy.save()
    new = get_list(store, second).chunks() - get_list(store, first).chunks()
    assert set(store.put) == new | {second}
    assert len(new) == 6  # a sample, a checkpoint of two files, a state of two, and the log


def test_a_large_file_goes_in_chunks(store: WatchedStore, run: RunDir) -> None:
    write_file(run.state(1) / "tensors.safetensors", b"1" * CHUNK + b"2")
    file = get_list(store, copy_of(store, run).save()).files["state/step-00000001/tensors.safetensors"]
    assert (file.bytes, len(file.chunks)) == (CHUNK + 1, 2)


def test_states_that_the_trainer_removes_meanwhile_are_saved_whole(store: WatchedStore, run: RunDir) -> None:
    epochs = iter(range(2, 6))

    def train_on(_: str) -> None:
        if (epoch := next(epochs, None)) is not None:
            do_epoch(run, epoch)

    store.before_put = train_on
    found = get_list(store, copy_of(store, run).save()).files
    assert "state/step-00000001/tensors.safetensors" in found
    assert not run.state(1).exists()
    assert "checkpoints/epoch-0001/card.json" in found


def test_a_checkpoint_that_comes_again_meanwhile_is_saved_as_one(store: WatchedStore, run: RunDir) -> None:
    again = [run.checkpoint(1)]

    def replace(key: str) -> None:
        stored = run.checkpoint(1) / "card.json"
        if again and store.all_keys() and stored.read_bytes() == b"card.json of 1" and len(store.put) == 3:
            shutil.rmtree(again.pop())
            run.checkpoint(1).mkdir()
            for name in ("card.json", "generator.safetensors"):
                write_file(run.checkpoint(1) / name, f"{name} once more".encode())

    store.before_put = replace
    found = get_list(store, copy_of(store, run).save()).files
    assert not again
    for name in ("card.json", "generator.safetensors"):
        (chunk,) = found[f"checkpoints/epoch-0001/{name}"].chunks
        assert store.get(chunk).data == f"{name} once more".encode()


def test_what_only_older_lists_name_goes_and_the_list_before_stays_readable(store: WatchedStore, run: RunDir) -> None:
    copy, keys = copy_of(store, run), []
    for epoch in (2, 3, 4):
        do_epoch(run, epoch)
        keys.append(copy.save())
        copy.clear(keys[-1])
    wanted = {chunk for key in keys[1:] for chunk in get_list(store, key).chunks()}
    assert store.all_keys() == wanted | set(keys[1:])


def test_what_was_put_behind_the_list_that_is_named_stays(store: WatchedStore, run: RunDir) -> None:
    copy = copy_of(store, run)
    first = copy.save()
    do_epoch(run, 2)
    second = copy.save()
    copy.clear(first)
    assert {first, second} <= store.all_keys()
    assert get_list(store, second).chunks() <= store.all_keys()


def test_a_save_that_failed_goes_on_where_it_was(store: WatchedStore, run: RunDir) -> None:
    copy = copy_of(store, run)

    def fail(_: str) -> None:
        if len(store.put) == 3:
            raise StoreAway("in the middle")

    store.before_put = fail
    with pytest.raises(StoreAway):
        copy.save()
    store.before_put = lambda _: None
    key = copy.save()
    assert len(store.put) == len(set(store.put)) == len(get_list(store, key).chunks()) + 1


def test_the_next_attempt_puts_nothing_again_and_clears_what_it_does_not_name(
    tmp_path: Path, store: WatchedStore, run: RunDir
) -> None:
    first = copy_of(store, run).save()
    do_epoch(run, 2)
    copy_of(store, run).save()  # what no record came to name
    named = get_list(store, first)
    second_run = open_attempt(JobDir(tmp_path / "here", JOB), 2)
    store.put.clear()
    copy = copy_of(store, second_run, 2, first)
    second = copy.save()
    now = get_list(store, second)
    assert set(store.put) == {key for key in now.chunks() | {second} if attempt_of(key) == 2}
    assert now.files["recipe.json"] == named.files["recipe.json"]
    copy.clear(second)
    assert store.all_keys() == now.chunks() | named.chunks() | {first, second}


def test_an_attempt_that_was_given_up_removes_nothing_of_the_next(
    tmp_path: Path, store: WatchedStore, run: RunDir
) -> None:
    frozen = copy_of(store, run)
    first = frozen.save()
    second = copy_of(store, open_attempt(JobDir(tmp_path / "here", JOB), 2), 2, first).save()
    frozen.clear(first)
    assert get_list(store, second).chunks() | {second} <= store.all_keys()


def test_a_list_that_is_gone_has_all_files_saved_again(store: WatchedStore, run: RunDir) -> None:
    key = copy_of(store, run, 2, f"runs/{JOB}/a001/{'0' * 64}").save()
    assert names(store, key) == files(run.folder)
