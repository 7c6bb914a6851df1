"""The weights on a machine stay below a bound, and come again when somebody draws."""

import os
import time
from pathlib import Path

from core.card import CARD, GENERATOR
from models.checkpoint import load_generator
from objects.files import FileStore
from sharing.eviction import Eviction
from sharing.shelf import SharedShelf
from tests.tiny import save_tiny


def test_weights_that_nobody_uses_go_and_come_again(tmp_path: Path) -> None:
    shelf, models = SharedShelf(tmp_path / "copy", FileStore(tmp_path / "store")), list[str]()
    for seed in range(4):
        save_tiny(tmp_path / str(seed), seed)
        models.append(shelf.add(tmp_path / str(seed)).model_id)
        arrived = time.time() - 1000 + 10 * seed
        for path in (shelf.folder(models[-1]) / GENERATOR, shelf.folder(models[-1])):
            os.utime(path, (arrived, arrived))
    shelf.activate(models[0])
    shelf.reading(models[1], load_generator)
    arrived_at = [shelf.arrived_at(model_id) for model_id in models]

    assert Eviction(tmp_path / "copy", shelf).make_room() == []
    assert Eviction(tmp_path / "copy", shelf, most_bytes=0).make_room() == []  # all came, or were used, lately
    eviction = Eviction(tmp_path / "copy", shelf, most_bytes=0, in_use_s=0)
    assert set(eviction.make_room()) == set(models[1:])
    assert [(shelf.folder(one) / GENERATOR).exists() for one in models] == [True, False, False, False]
    assert all((shelf.folder(one) / CARD).exists() for one in models)
    assert [shelf.arrived_at(model_id) for model_id in models] == arrived_at
    assert shelf.reading(models[2], load_generator)
    assert (shelf.folder(models[2]) / GENERATOR).exists()
