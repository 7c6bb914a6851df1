"""Machines that change a shared shelf at once, are killed half way, and lose sight of the store."""

import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from signal import SIGKILL

import pytest

from core.card import verify_checkpoint
from core.crash import VARIABLE
from core.errors import ModelInUse, ModelNotFound, ShelfBusy, ShelfChanged, StoreAway
from models.notes import Notes
from sharing.shelf import SharedShelf
from sharing.shelf_document import ShelfContent, shelf_document
from tests.sharing.machines import Machines, client, what_it_says
from tests.tiny import save_tiny, score_sheet

MODELS, TURNS = 5, 40


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def with_label(word: str, notes: Notes) -> Notes:
    return Notes(labels={**notes.labels, word: ""})


@pytest.mark.parametrize("gone", ["shelf", "shelf/active"])
def test_a_copy_that_was_removed_while_it_is_used_is_made_anew(machines: Machines, gone: str) -> None:
    first, second = machines.open("a"), machines.open("b")
    model_id = first.add(machines.checkpoint(1)).model_id
    first.activate(model_id)
    second.catch_up()
    assert second.active() == model_id
    path = machines.folder / "b" / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert second.active() != model_id
    second.catch_up()
    assert second.active() == model_id
    assert what_it_says(second) == what_it_says(first)


def test_a_model_that_comes_while_the_copy_is_brought_to_an_older_state_stays(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two processes of a machine, one adds a model after the other has read what the store says."""
    one, other = machines.open("a"), machines.open("a")
    one.add(machines.checkpoint(1))
    new = machines.checkpoint(2)
    model_id, read = verify_checkpoint(new).model_id, one._document.read

    def read_before_it_came() -> tuple[ShelfContent, int]:
        found = read()
        with pytest.raises(ShelfBusy):  # it is on the shelf by then, and in the copy, which the other has locked
            other.add(new)
        return found

    monkeypatch.setattr("core.locks.LOCK_S", 0.1)
    monkeypatch.setattr(one._document, "read", read_before_it_came)
    one.look()
    assert verify_checkpoint(other.folder(model_id)).model_id == model_id


def test_what_machines_change_at_once_comes_one_after_the_other(machines: Machines) -> None:
    """Two processes of each of two machines; in the end all say the same, and the store has what they name alone."""
    ids = [machines.open("a").add(machines.checkpoint(seed)).model_id for seed in range(1, MODELS + 1)]
    activations = list[int]()

    def work(name: str, seed: int) -> None:
        random, shelf = Random(seed), machines.open(name)
        for turn in range(TURNS):
            k = random.randrange(MODELS)
            try:
                match random.randrange(5):
                    case 0:
                        shelf.add(machines.checkpoint(k + 1))
                    case 1:
                        shelf.delete(ids[k])
                    case 2:
                        seen = shelf.changes()
                        shelf.activate(ids[k], seen)
                        activations.append(seen)
                    case 3:
                        shelf.change_notes(ids[k], partial(with_label, f"{seed}-{turn}"))
                    case 4:
                        shelf.catch_up()
            except (ModelInUse, ModelNotFound, ShelfChanged, ShelfBusy):
                pass

    names = ["a", "a", "b", "b"]
    with ThreadPoolExecutor(len(names)) as pool:
        for done in [pool.submit(work, name, seed) for seed, name in enumerate(names)]:
            done.result()
    shelves = [machines.open(name) for name in ("a", "b", "new")]
    for shelf in shelves:
        shelf.catch_up()
    assert what_it_says(shelves[0]) == what_it_says(shelves[1]) == what_it_says(shelves[2])
    assert shelves[0].changes() <= len(activations)  # to make active what is so already is no change
    content = shelf_document(machines.store()).read()[0]
    assert {listed.key.rpartition("/")[0] for listed in machines.store().list("models/")} == content.owners()
    assert set(content.notes) <= set(ids)


def test_no_label_of_two_machines_is_lost(machines: Machines) -> None:
    model = machines.open("a").add(machines.checkpoint(1)).model_id
    machines.open("b").catch_up()

    def label(name: str) -> None:
        shelf = machines.open(name)
        for k in range(15):
            shelf.change_notes(model, partial(with_label, f"{name}{k}"))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(label, "ab"))
    shelf = machines.open("c")
    shelf.catch_up()
    assert set(shelf.notes(model).labels) == {f"{name}{k}" for name in "ab" for k in range(15)}


def test_the_gate_compares_with_what_another_machine_has_just_made_active(machines: Machines, tmp_path: Path) -> None:
    for k in range(6):
        save_tiny(tmp_path / str(k), k + 1, scores=score_sheet(frechet=10.0 * (k + 1)))
    shelves = [machines.open(str(k)) for k in range(6)]
    ids = [shelf.add(tmp_path / str(k)).model_id for k, shelf in enumerate(shelves)]
    start = threading.Barrier(len(shelves))

    def publish(k: int) -> bool:
        start.wait(30)
        return shelves[k].activate_unless_worse(ids[k]).accepted

    with ThreadPoolExecutor(len(shelves)) as pool:
        accepted = list(pool.map(publish, range(6)))
    assert accepted[0]
    for shelf in shelves:
        shelf.catch_up()
        assert shelf.active() == ids[0]  # whatever the order was


def test_a_store_that_is_empty_all_at_once_takes_no_models_away(machines: Machines) -> None:
    shelf = machines.open("a")
    model = shelf.add(machines.checkpoint(1)).model_id
    shelf.activate(model)
    (machines.folder / "store").rename(machines.folder / "unmounted")
    copies = [shelf, machines.open("a")]
    for copy in copies:
        for attempt in (copy.drop_stray_notes, lambda copy=copy: copy.add(machines.checkpoint(2))):
            with pytest.raises(StoreAway, match=r"no shelf\.json"):
                attempt()
        copy.look()
        assert copy.active() == model
        assert copy.reading(model, verify_checkpoint).model_id == model
    assert not (machines.folder / "store" / "shelf.json").exists()


CHANGES: list[Callable[[SharedShelf, str, str, Path], object]] = [
    lambda shelf, _, __, new: shelf.add(new),
    lambda shelf, old, _, __: shelf.delete(old),
    lambda shelf, _, other, __: shelf.activate(other),
    lambda shelf, old, _, __: shelf.change_notes(old, lambda _: Notes(note="seen")),
]


@pytest.mark.parametrize("change", CHANGES, ids=["add", "delete", "activate", "label"])
def test_a_store_that_is_away_has_nothing_changed_and_all_read_on(
    machines: Machines, change: Callable[[SharedShelf, str, str, Path], object]
) -> None:
    shelf = machines.open("a")
    old, active, other = (shelf.add(machines.checkpoint(seed)).model_id for seed in (1, 2, 3))
    shelf.activate(active)
    before = what_it_says(shelf)
    client(shelf).away = True
    with pytest.raises(StoreAway):
        change(shelf, old, other, machines.checkpoint(4))
    shelf.look()
    again = machines.open("a")  # a process that starts meanwhile
    client(again).away = True
    assert what_it_says(shelf) == what_it_says(again) == before
    client(shelf).away = False
    change(shelf, old, other, machines.checkpoint(4))
    again = machines.open("b")
    again.catch_up()
    assert what_it_says(again) == what_it_says(shelf) != before


@pytest.mark.parametrize("change", CHANGES, ids=["add", "delete", "activate", "label"])
def test_a_change_whose_answer_is_lost_is_made_whole_or_not_at_all(
    machines: Machines, change: Callable[[SharedShelf, str, str, Path], object]
) -> None:
    shelf = machines.open("a")
    old, active, other = (shelf.add(machines.checkpoint(seed)).model_id for seed in (1, 2, 3))
    shelf.activate(active)
    client(shelf).mute = True
    with pytest.raises(StoreAway):
        change(shelf, old, other, machines.checkpoint(4))
    copies = [machines.open(name) for name in ("a", "b")]
    for copy in copies:
        copy.catch_up()
    assert what_it_says(copies[0]) == what_it_says(copies[1])


def _crash(machines: Machines, point: str, file: Path, change: int, ids: tuple[str, str]) -> None:
    os.environ[VARIABLE] = str(file)
    shelf = machines.open("a")
    file.write_text(point)
    CHANGES[change](shelf, *ids, machines.checkpoint(4))


@pytest.mark.parametrize(
    ("point", "change"),
    [
        ("shelf:before-rename", 0),
        ("shelf:after-rename", 0),
        ("copied-card:before-rename", 1),
        ("copy:before-pointers", 1),
        ("copy:after-pointers", 1),
        ("shelf:half-removed", 1),
        ("copy:before-pointers", 2),
        ("copy:after-pointers", 2),
    ],
)
def test_a_process_killed_half_way_leaves_what_another_brings_to_its_end(
    machines: Machines, tmp_path: Path, point: str, change: int
) -> None:
    shelf = machines.open("a")
    old, other = (shelf.add(machines.checkpoint(seed)).model_id for seed in (1, 2))
    shelf.activate(shelf.add(machines.checkpoint(3)).model_id)
    machines.checkpoint(4)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_crash, args=(machines, point, tmp_path / "crash", change, (old, other)))
    process.start()
    process.join(60)
    exitcode = process.exitcode
    process.kill()
    assert exitcode == -SIGKILL
    assert shelf.folder(shelf.active())
    copies = [machines.open(name) for name in ("a", "b")]
    for copy in copies:
        copy.catch_up()
    assert what_it_says(copies[0]) == what_it_says(copies[1])
