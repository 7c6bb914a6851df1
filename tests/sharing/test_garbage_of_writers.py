"""Hosts that add, delete and upload beside a collector with a short grace: all that is named stays whole."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from core.card import verify_checkpoint
from core.errors import ModelInUse, ModelNotFound, UploadNotFound
from jobs.store import JobStore
from objects.files import FileStore
from sharing.garbage import Collector
from sharing.shelf import SharedShelf
from sharing.uploads import SharedUploads
from tests.tiny import save_tiny

GRACE_S = 1.0
LAST_S = 3.0


class Killed(Exception):
    """In the test's own store: the process ends here."""


class MortalStore(FileStore):
    """Now and then its process is killed before it writes a document or removes a chunk."""

    def __init__(self, root: Path, seed: int) -> None:
        super().__init__(root)
        self.random = random.Random(seed)

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        self._perhaps_die(key.endswith(".json"))
        super()._put_if(key, data, tag)

    def delete(self, key: str) -> None:
        self._perhaps_die(True)
        super().delete(key)

    def _perhaps_die(self, may: bool) -> None:
        if may and self.random.random() < 0.1:
            raise Killed


def host(folder: Path, seed: int, stop: threading.Event) -> None:
    """Whatever one does, in any order, again after each kill."""
    store, chance = MortalStore(folder / "store", seed), random.Random(seed)
    shelf = SharedShelf(folder / f"copy-{seed}", store, grace_s=GRACE_S)
    uploads = SharedUploads(folder / f"uploads-{seed}", store)

    def add() -> None:
        shelf.add(folder / str(chance.randrange(3)))

    def delete() -> None:
        shelf.delete(verify_checkpoint(folder / str(chance.randrange(3))).model_id)

    def send() -> None:
        upload_id = uploads.create(length=None).id
        with uploads.append(upload_id, 0) as writer:
            writer.write(chance.randbytes(1000))
        uploads.finish(upload_id)

    def remove() -> None:
        for upload_id in uploads.ids()[:1]:
            uploads.delete(upload_id)

    acts: list[Callable[[], None]] = [add, add, delete, send, remove]
    while not stop.is_set():
        with suppress(Killed, ModelInUse, ModelNotFound, UploadNotFound):  # another host deletes too
            chance.choice(acts)()


def test_what_hosts_share_stays_whole_beside_a_collector(tmp_path: Path, store: JobStore) -> None:
    for seed in range(3):
        save_tiny(tmp_path / str(seed), seed)
    plain, stop, removed = FileStore(tmp_path / "store"), threading.Event(), 0
    with ThreadPoolExecutor(3) as pool:
        hosts = [pool.submit(host, tmp_path, seed, stop) for seed in (1, 2, 3)]
        until = time.monotonic() + LAST_S
        while time.monotonic() < until:
            removed += len(Collector(plain, store, GRACE_S).collect().garbage)
        stop.set()
        for one in hosts:
            one.result()
    assert removed
    still = Collector(plain, store, 0)
    still.collect()
    survey = still.survey()
    assert (survey.orphans, survey.missing, survey.unknown) == ([], [], [])
    fresh = SharedShelf(tmp_path / "fresh", plain)
    fresh.catch_up()
    for entry in fresh.entries():
        fresh.reading(entry.model_id, verify_checkpoint)
