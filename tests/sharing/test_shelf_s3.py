"""Models that machines share by a real S3 server, which is killed and frozen meanwhile."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from core.errors import ModelInUse, ModelNotFound, ShelfBusy, StoreAway
from models.notes import Notes
from objects.s3 import S3Store
from tests.object_servers import LentStore
from tests.sharing.machines import Machines, what_it_says

TURNS = 12


def test_machines_agree_though_the_store_is_killed_between(s3_server: LentStore, tmp_path: Path) -> None:
    machines = Machines(tmp_path, partial(S3Store, s3_server.url, s3_server.environment))
    ids = [machines.open("a").add(machines.checkpoint(seed)).model_id for seed in (1, 2, 3)]
    labels = set[str]()

    def again(change: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                change()
            except (StoreAway, ShelfBusy):
                time.sleep(0.05)
            else:
                return

    def work(name: str) -> None:
        shelf = machines.open(name)
        for turn in range(TURNS):
            model, word = ids[turn % 3], f"{name}-{turn}"
            with suppress(ModelNotFound):
                again(partial(shelf.change_notes, model, partial(with_label, word)))
                labels.add(word)
            with suppress(ModelNotFound):
                again(partial(shelf.activate, model))
            if turn % 4 == 3:
                with suppress(ModelInUse, ModelNotFound):
                    again(partial(shelf.delete, ids[(turn + 1) % 3], unless_labelled=True))
                again(partial(shelf.add, machines.checkpoint((turn + 1) % 3 + 1)))

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work, name) for name in "aab"]
        time.sleep(0.3)
        with s3_server.server.away():
            time.sleep(0.3)
        for done in working:
            done.result()
    shelves = [machines.open(name) for name in ("a", "b", "new")]
    for shelf in shelves:
        shelf.catch_up()
    assert what_it_says(shelves[0]) == what_it_says(shelves[1]) == what_it_says(shelves[2])
    assert {word for notes in shelves[0].every_notes().values() for word in notes.labels} == labels


def with_label(word: str, notes: Notes) -> Notes:
    return Notes(labels={**notes.labels, word: ""})
