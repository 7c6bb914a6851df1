"""Writers that are slow, frozen and killed, beside collectors with a tiny grace: nothing that is named goes."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from pydantic import BaseModel

from jobs.store import JobStore
from objects.document import Document
from objects.files import FileStore
from objects.trees import remove_owner
from sharing.garbage import Collector
from sharing.grace import PublishedTooLate, PublishWindow

GRACE_S = 0.12
LAST_S = 3.0
WRITERS, MODELS = 6, 8


class Shelf(BaseModel):
    models: dict[str, list[str]] = {}


class SlowStore(FileStore):
    """Now and then a swap of the shelf freezes on its way, for longer than the grace."""

    freezes: random.Random | None = None

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        if self.freezes is not None and key == "shelf.json" and self.freezes.random() < 0.1:
            time.sleep(self.freezes.uniform(0, 2 * GRACE_S))
        super()._put_if(key, data, tag)


class Writer:
    """Adds, deletes and adds again, as `sharing/grace.py` asks it to."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random, self.store = random.Random(seed), SlowStore(root)
        self.store.freezes = random.Random(-seed)
        self.shelf = Document(self.store, "shelf.json", Shelf)
        self.late = 0

    def work(self, stop: threading.Event) -> "Writer":
        while not stop.is_set():
            model = str(self.random.randrange(MODELS))
            if self.random.random() < 0.6:
                self.add(model)
            else:
                self.delete(model)
        return self

    def add(self, model: str) -> None:
        window, owner = PublishWindow(GRACE_S), f"models/{model}.{self.random.getrandbits(64):016x}"
        chunks = [f"{owner}/{sha256(content).hexdigest()}" for content in (model.encode(), b"weights")]
        for chunk in chunks:
            self.store.put_once(chunk, chunk.encode())
            if self.random.random() < 0.1:
                time.sleep(self.random.uniform(0, GRACE_S))
        if self.random.random() < 0.1:
            return  # killed

        def add(shelf: Shelf, _: int) -> Shelf | None:
            window.require_open()
            return None if model in shelf.models else Shelf(models={**shelf.models, model: chunks})

        try:
            self.shelf.change(add)
        except PublishedTooLate:
            self.late += 1

    def delete(self, model: str) -> None:
        gone = list[str]()

        def drop(shelf: Shelf, _: int) -> Shelf:
            gone[:] = shelf.models.get(model, [])
            return Shelf(models={name: chunks for name, chunks in shelf.models.items() if name != model})

        self.shelf.change(drop)
        if gone and self.random.random() < 0.8:  # else killed
            remove_owner(self.store, gone[0].rpartition("/")[0])


class FrozenStore(FileStore):
    """Collects, once, between a writer's last look at its time and its swap."""

    def __init__(self, root: Path, collect: Callable[[], object]) -> None:
        super().__init__(root)
        self.collect: Callable[[], object] | None = collect

    def _put_if(self, key: str, data: bytes, tag: str | None) -> None:
        if key == "shelf.json" and (collect := self.collect):
            self.collect = None
            time.sleep(1.5 * GRACE_S)
            collect()
        super()._put_if(key, data, tag)


def test_a_writer_that_froze_before_its_swap_does_not_publish_what_was_collected(
    tmp_path: Path, store: JobStore
) -> None:
    plain = FileStore(tmp_path)
    Document(plain, "shelf.json", Shelf).change(lambda *_: Shelf(models={"other": []}))
    collector = Collector(plain, store, GRACE_S)
    frozen = FrozenStore(tmp_path, collector.collect)
    shelf = Document(frozen, "shelf.json", Shelf)
    window, chunk = PublishWindow(GRACE_S), f"models/aa.1/{sha256(b'x').hexdigest()}"
    frozen.put_once(chunk, b"x")

    def add(content: Shelf, _: int) -> Shelf:
        window.require_open()
        return Shelf(models={**content.models, "aa": [chunk]})

    with pytest.raises(PublishedTooLate):
        shelf.change(add)
    assert shelf.read()[0].models == {"other": []}
    assert list(plain.list("models/")) == []


def test_nothing_that_is_named_is_collected(tmp_path: Path, store: JobStore) -> None:
    stop, removed = threading.Event(), 0
    collector = Collector(FileStore(tmp_path), store, GRACE_S)
    shelf = Document(FileStore(tmp_path), "shelf.json", Shelf)
    with ThreadPoolExecutor(WRITERS) as pool:
        working = [pool.submit(Writer(tmp_path, seed).work, stop) for seed in range(WRITERS)]
        until = time.monotonic() + LAST_S
        while time.monotonic() < until:
            removed += len(collector.collect().garbage)
        stop.set()
        writers = [one.result() for one in working]
    named = {chunk for chunks in shelf.read()[0].models.values() for chunk in chunks}
    there = {one.key for one in FileStore(tmp_path).list("models/")}
    assert named <= there
    assert removed
    assert sum(writer.late for writer in writers)
    still = Collector(FileStore(tmp_path), store, 0)
    still.collect()
    assert not still.survey().orphans
    assert {one.key for one in FileStore(tmp_path).list("models/")} == named
