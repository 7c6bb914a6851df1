"""Many processes at one shelf: whatever a reader finds is whole and known."""

import multiprocessing
from pathlib import Path

from core.card import verify_checkpoint
from tests.models.shelf_writer import write
from tests.models.shelves import OpenShelf
from tests.tiny import save_tiny

SHARED = 12


def test_a_reader_never_meets_a_half_or_unknown_model(open_shelf: OpenShelf, tmp_path: Path) -> None:
    checkpoints = [tmp_path / "checkpoints" / str(seed) for seed in range(3 * SHARED + 1)]
    ids = {save_tiny(folder, seed).model_id for seed, folder in enumerate(checkpoints)}
    root, embedded, shared = tmp_path / "shelf", checkpoints[-1], checkpoints[:SHARED]
    shelf = open_shelf(root, embedded)

    context = multiprocessing.get_context("spawn")
    together = context.Barrier(2)
    own = (checkpoints[SHARED : 2 * SHARED], checkpoints[2 * SHARED : -1])
    writers = [context.Process(target=write, args=(open_shelf, root, embedded, shared, part, together)) for part in own]
    for writer in writers:
        writer.start()

    seen, listed = set(), 0
    while any(writer.is_alive() for writer in writers):
        active = shelf.active()
        assert shelf.reading(active, verify_checkpoint).model_id == active
        cards = shelf.cards()
        for card in cards:
            assert shelf.reading(card.model_id, verify_checkpoint) == card
        assert len(cards) >= listed
        listed = len(cards)
        seen |= {active, *(card.model_id for card in cards)}

    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen <= ids
    assert {card.model_id for card in shelf.cards()} == ids
    names = {path.name for path in root.iterdir() if not path.name.startswith(".fetching")}
    assert names == ids - {shelf.add(embedded).model_id} | {"active", ".lock"}
