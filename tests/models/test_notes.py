"""Labels and notes: read when they have changed, whoever changed them, and none is lost."""

import multiprocessing
import os
from pathlib import Path

import pytest

from core.errors import ModelNotFound
from models.notes import NO_NOTES, Notes
from models.shelf import Shelf
from tests.models.shelf_writer import label
from tests.models.shelves import OpenShelf
from tests.tiny import save_tiny


@pytest.fixture
def shelf(open_shelf: OpenShelf, tmp_path: Path) -> Shelf:
    save_tiny(tmp_path / "embedded", seed=100)
    return open_shelf(tmp_path / "shelf", tmp_path / "embedded")


@pytest.fixture
def model(shelf: Shelf, tmp_path: Path) -> str:
    save_tiny(tmp_path / "1", 1)
    return shelf.add(tmp_path / "1").model_id


def test_what_another_process_said_is_seen(shelf: Shelf, open_shelf: OpenShelf, model: str, tmp_path: Path) -> None:
    other = open_shelf(tmp_path / "shelf", tmp_path / "embedded")
    assert (other.notes(model), dict(other.every_notes())) == (NO_NOTES, {})
    for k in range(3):
        said = Notes(labels={"stage": str(k), "sharp": ""}, note=f"note {k}")
        assert shelf.change_notes(model, lambda _, said=said: said) == said  # type: ignore[misc]
        assert (other.notes(model), dict(other.every_notes())) == (said, {model: said})
    shelf.change_notes(shelf.active(), lambda _: Notes(note="it ships with digitforge"))
    assert set(other.every_notes()) == {model, shelf.active()}
    shelf.change_notes(model, lambda _: NO_NOTES)
    assert set(other.every_notes()) == {shelf.active()}


def test_a_file_that_did_not_change_is_not_read_again(shelf: Shelf, model: str, tmp_path: Path) -> None:
    folder = tmp_path / "shelf" / "notes"
    for one in (model, shelf.active()):
        shelf.change_notes(one, lambda _: Notes(note="first"))
    os.utime(folder, ns=(0, folder.stat().st_mtime_ns - 10**9))  # the folder changed long ago
    assert {notes.note for notes in shelf.every_notes().values()} == {"first"}
    path = folder / f"{model}.json"
    path.write_text(path.read_text().replace("first", "behind our back"))
    assert shelf.every_notes()[model].note == "first"
    shelf.change_notes(shelf.active(), lambda _: Notes(note="second"))
    assert [shelf.every_notes()[one].note for one in (model, shelf.active())] == ["behind our back", "second"]


def test_a_damaged_file_says_nothing_and_is_logged(
    shelf: Shelf, model: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.change_notes(model, lambda _: Notes(note="n"))
    (tmp_path / "shelf" / "notes" / f"{model}.json").write_text("{")
    assert shelf.notes(model) == NO_NOTES
    assert model in caplog.text
    assert shelf.change_notes(model, lambda before: before.model_copy(update={"note": "again"})).note == "again"


def test_a_model_that_is_not_there_gets_none(shelf: Shelf, tmp_path: Path) -> None:
    for model_id in ("0" * 16, "..", "../active", ""):
        with pytest.raises(ModelNotFound):
            shelf.change_notes(model_id, lambda _: Notes(note="n"))
    assert not (tmp_path / "shelf" / "notes").exists()


def test_a_change_that_fails_changes_nothing(shelf: Shelf, model: str) -> None:
    before = shelf.change_notes(model, lambda _: Notes(note="n"))

    def fail(_: Notes) -> Notes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shelf.change_notes(model, fail)
    assert shelf.notes(model) == before


def test_labels_are_found_by_word_and_by_value(shelf: Shelf, model: str) -> None:
    shelf.change_notes(model, lambda _: Notes(labels={"stage": "live", "sharp": ""}))
    for wanted, found in (
        ("stage", True),
        ("stage=live", True),
        ("stage=", False),
        ("stage=old", False),
        ("sharp", True),
        ("sharp=", True),
        ("sharp=x", False),
        ("sta", False),
        ("", False),
    ):
        assert [entry.model_id for entry in shelf.listed(label=wanted)] == ([model] if found else []), wanted


def test_no_label_of_two_processes_is_lost(shelf: Shelf, open_shelf: OpenShelf, model: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (open_shelf, tmp_path / "shelf", tmp_path / "embedded", model)
    writers = [context.Process(target=label, args=(*arguments, word)) for word in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert set(shelf.notes(model).labels) == {f"{word}{k}" for word in "ab" for k in range(20)}
