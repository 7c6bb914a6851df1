"""A store on a disk: what it leaves behind, what it takes for a key, and what its errors become."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import ObjectNotFound, StoreAway, StoreBusy
from core.locks import locked
from objects.files import ABANDONED_S, LOCK, FileStore


def test_no_empty_folder_is_left(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for key in ("runs/a/a001/one", "runs/a/a001/two", "runs/b/one"):
        store.put_once(key, b"data")
    store.delete("runs/a/a001/one")
    assert (tmp_path / "runs/a/a001").is_dir()
    store.delete("runs/a/a001/two")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["b"]
    store.delete("runs/b/one")
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_a_put_finds_its_folder_whoever_removes_it_meanwhile(tmp_path: Path) -> None:
    store, ended = FileStore(tmp_path), threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            store.put_once("folder/other", b"")
            store.delete("folder/other")

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(come_and_go)
        try:
            for number in range(100):
                assert store.put_once("folder/one", b"%d" % number)
                store.delete("folder/one")
        finally:
            ended.set()
        going.result()


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/../b", "/a", "a/", "a//b", "a b", "a\n", "a/.", "é"])
def test_a_key_that_not_every_store_can_have_is_none(tmp_path: Path, key: str) -> None:
    store = FileStore(tmp_path)
    for call in (lambda: store.get(key), lambda: store.put_once(key, b""), lambda: store.delete(key)):
        with pytest.raises(ValueError, match="no key of an object"):
            call()


def test_what_a_killed_writer_left_is_no_object_and_goes_after_a_day(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put_once("folder/one", b"data")
    young, old = tmp_path / "folder/.tmp-young", tmp_path / "folder/.tmp-old"
    for path in (young, old):
        path.write_bytes(b"half")
    long_ago = path.stat().st_mtime - ABANDONED_S - 60
    os.utime(old, (long_ago, long_ago))
    assert [listed.key for listed in store.list("")] == ["folder/one"]
    assert young.exists()
    assert not old.exists()


def test_what_no_key_can_name_is_passed_over(tmp_path: Path) -> None:
    """The root of a disk has such a folder."""
    store = FileStore(tmp_path)
    store.put_once("folder/one", b"data")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "folder/a note.txt").write_bytes(b"")
    assert [listed.key for listed in store.list("")] == ["folder/one"]


def test_a_lock_that_somebody_holds_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.locks.LOCK_S", 0.05)
    store = FileStore(tmp_path)
    store.put_once("key", b"data")
    with locked(tmp_path / LOCK, "the store"), pytest.raises(StoreBusy, match="for seconds"):
        store.swap("key", b"new", store.get("key").tag)
    assert store.get("key").data == b"data"


def test_what_the_disk_says_is_an_error_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreAway, match=r"Not a directory|File exists"):
        FileStore(tmp_path / "file").put_once("key", b"")
    with pytest.raises(ObjectNotFound):
        FileStore(tmp_path / "none").get("key")
    assert list(FileStore(tmp_path / "none").list("")) == []
