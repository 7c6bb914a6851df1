"""One of the writers of `test_shelf_processes.py`; imports no torch, so that its process starts quickly."""

from multiprocessing.synchronize import Barrier
from pathlib import Path

from models.notes import Notes
from tests.models.shelves import OpenShelf

FLIPS, WAIT_S = 60, 60


def write(
    open_shelf: OpenShelf, root: Path, embedded: Path, shared: list[Path], own: list[Path], together: Barrier
) -> None:
    """Add what the other writer adds in the same moment, and models of one's own; make each active, then flip."""
    try:
        shelf = open_shelf(root, embedded)
        ids = []
        for shared_checkpoint, own_checkpoint in zip(shared, own, strict=True):
            together.wait(WAIT_S)
            for checkpoint in (shared_checkpoint, own_checkpoint):
                ids.append(shelf.add(checkpoint).model_id)
                shelf.activate(ids[-1])
        together.wait(WAIT_S)
        for flip in range(FLIPS):
            shelf.activate(ids[flip % len(ids)])
    except BaseException:
        together.abort()  # or the other one would wait
        raise


def label(open_shelf: OpenShelf, root: Path, embedded: Path, model: str, word: str) -> None:
    """Give a model label after label, while others do."""
    shelf = open_shelf(root, embedded)
    for k in range(20):
        shelf.change_notes(model, lambda notes, k=k: Notes(labels={**notes.labels, f"{word}{k}": ""}))  # type: ignore[misc]
