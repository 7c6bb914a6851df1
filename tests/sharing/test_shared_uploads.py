"""Uploads that several machines share: any may take any part, and any may import the file."""

import hashlib
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import StoreAway, UploadIncomplete, UploadNotFound, UploadOffsetConflict, UploadsFull
from core.uploads import Uploads
from sharing import upload_pieces
from sharing.upload_document import upload_document
from sharing.uploads import SharedUploads
from tests.sharing.faulty_store import Killed, MortalStore

Host = Callable[[str], SharedUploads]
BYTES = random.Random(0).randbytes(5000)
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> MortalStore:
    return MortalStore(tmp_path / "store")


@pytest.fixture
def host(tmp_path: Path, store: MortalStore) -> Host:
    return lambda name: SharedUploads(tmp_path / name, store)


def send(uploads: Uploads, upload_id: str, start: int, end: int, part: int = 100) -> None:
    with uploads.append(upload_id, start) as writer:
        for at in range(start, end, part):
            writer.write(BYTES[at : min(at + part, end)])


def complete(uploads: Uploads) -> str:
    upload_id = uploads.create(len(BYTES)).id
    send(uploads, upload_id, 0, len(BYTES))
    return uploads.finish(upload_id).id


def test_an_upload_begun_on_one_machine_goes_on_on_another_and_is_imported_by_a_third(host: Host) -> None:
    a, b, c = host("a"), host("b"), host("c")
    upload_id = a.create(len(BYTES), "own.zip", "caller").id
    send(a, upload_id, 0, 1234)
    assert (b.get(upload_id).offset, b.get(upload_id).meta.caller) == (1234, "caller")
    send(b, upload_id, 1234, len(BYTES))
    assert a.finish(upload_id).meta == b.finish(upload_id).meta
    assert c.use(upload_id).meta.sha256 == SHA256
    assert c.fetch(upload_id).read_bytes() == BYTES
    c.delete(upload_id)
    assert not (c._root / upload_id).exists()
    for machine in (a, b, c):
        with pytest.raises(UploadNotFound):
            machine.get(upload_id)


def test_nothing_is_left_in_the_store_of_what_was_removed(host: Host, store: MortalStore) -> None:
    complete(a := host("a"))
    a.delete(complete(a))
    assert a.delete_old(older_than_s=0)
    assert list(store.list("")) == []


@pytest.mark.parametrize("part", [1, 7, 100, 640, 5000])
def test_pieces_are_few_however_small_the_parts(
    host: Host, store: MortalStore, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(upload_pieces, "CHUNK", 1024)
    a, end = host("a"), min(len(BYTES), 60 * part)
    upload_id = a.create(end).id
    for start in range(0, end, part):
        send(a, upload_id, start, min(start + part, end), part)
    content, _ = upload_document(store, upload_id).read()
    assert content.offset == end
    assert len(content.pieces) <= 2 * end / 1024 + 10
    assert all(0 < piece.bytes <= 1024 for piece in content.pieces)
    assert a.head(upload_id, 9999) == BYTES[:end]


def test_one_body_is_put_in_full_pieces_and_a_rest(
    host: Host, store: MortalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_pieces, "CHUNK", 1024)
    upload_id = complete(host("a"))
    content, _ = upload_document(store, upload_id).read()
    assert [piece.bytes for piece in content.pieces] == [1024, 1024, 1024, 1024, 904]


def test_of_two_that_send_the_same_part_one_wins_and_the_other_is_told_where_it_goes_on(
    host: Host, store: MortalStore
) -> None:
    a, b = host("a"), host("b")
    upload_id = a.create(len(BYTES)).id
    late = b.append(upload_id, 0)
    late.__enter__().write(b"other")
    send(a, upload_id, 0, 50)
    with pytest.raises(UploadOffsetConflict, match="goes on at offset 50, not at 0"):
        late.__exit__(None, None, None)
    send(b, upload_id, 50, len(BYTES))
    assert a.finish(upload_id).meta.sha256 == SHA256


def test_many_writers_at_once_make_one_file(host: Host) -> None:
    machines = [host(f"m{k}") for k in range(4)]
    upload_id = machines[0].create(len(BYTES)).id

    def write(machine: SharedUploads) -> None:
        while (offset := machine.get(upload_id).offset) < len(BYTES):
            try:
                send(machine, upload_id, offset, min(offset + 500, len(BYTES)))
            except UploadOffsetConflict:
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, machines))
    assert machines[0].finish(upload_id).meta.sha256 == SHA256


def test_a_machine_that_is_killed_in_a_part_loses_that_part_alone(host: Host, store: MortalStore) -> None:
    a, b = host("a"), host("b")
    upload_id = a.create(len(BYTES)).id
    send(a, upload_id, 0, 1000)
    for calls_left in range(1, 8):
        store.calls, store.calls_left = 0, calls_left
        try:
            send(a, upload_id, 1000, 2000)
        except Killed:
            assert calls_left < 7
        store.calls_left = None
        if b.get(upload_id).offset == 2000:
            break
        assert b.get(upload_id).offset == 1000
    send(b, upload_id, 2000, len(BYTES))
    assert b.finish(upload_id).meta.sha256 == SHA256


def test_while_the_store_is_away_nothing_is_acknowledged_and_afterwards_it_goes_on(
    host: Host, store: MortalStore
) -> None:
    a = host("a")
    upload_id = a.create(len(BYTES)).id
    send(a, upload_id, 0, 100)
    part = a.append(upload_id, 100)
    part.__enter__().write(BYTES[100:200])
    store.is_away = True
    with pytest.raises(StoreAway):
        part.__exit__(None, None, None)
    for call in (a.get, a.use, a.finish, a.delete, a.fetch):
        with pytest.raises(StoreAway):
            call(upload_id)
    store.is_away = False
    assert a.get(upload_id).offset == 100
    send(a, upload_id, 100, len(BYTES))
    assert a.finish(upload_id).meta.sha256 == SHA256


def test_a_writer_that_lost_a_piece_takes_no_more(host: Host, store: MortalStore) -> None:
    a = host("a")
    upload_id = a.create(len(BYTES)).id
    with a.append(upload_id, 0) as writer:
        writer.write(BYTES[:100])
        store.is_away = True
        with pytest.raises(StoreAway):
            writer.sync()
        store.is_away = False
        with pytest.raises(StoreAway, match="could not be stored"):
            writer.write(BYTES[100:200])
    assert a.get(upload_id).offset == 0


def test_a_job_and_a_removal_at_once_never_both_succeed(host: Host) -> None:
    for _ in range(8):
        a, b, jobs = host("a"), host("b"), list[str]()
        upload_id = complete(a)

        def make(upload_id: str = upload_id, jobs: list[str] = jobs, on: SharedUploads = b) -> bool:
            try:
                with on.keeping(upload_id):
                    jobs.append("job")
            except UploadNotFound:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            kept = pool.submit(make)
            removed = pool.submit(a.delete_unless, upload_id, lambda: bool(jobs)).result()  # noqa: B023
        assert kept.result() is not removed
        assert (upload_id in a.ids()) is kept.result()


def test_a_removal_that_was_killed_anywhere_is_ended_by_a_sweeper(host: Host, store: MortalStore) -> None:
    for calls_left in range(1, 20):
        upload_id, machine = complete(host("a")), host("b")
        store.calls, store.calls_left = 0, calls_left
        try:
            machine.delete_unless(upload_id, lambda: False)
            break
        except Killed:
            store.calls_left = None
        machine.delete_old(older_than_s=-3600)
    store.calls_left = None
    assert calls_left > 4
    assert list(store.list("")) == []


def test_a_file_that_is_damaged_in_the_store_is_not_imported(host: Host, store: MortalStore, tmp_path: Path) -> None:
    upload_id = complete(host("a"))
    content, _ = upload_document(store, upload_id).read()
    (tmp_path / "store" / content.pieces[0].chunk).write_bytes(b"x" * content.pieces[0].bytes)
    with pytest.raises(UploadIncomplete, match="damaged in the store"):
        host("b").fetch(upload_id)
    assert not (tmp_path / "b" / upload_id).exists()


def test_room_is_counted_over_all_machines(tmp_path: Path, store: MortalStore) -> None:
    a, b = (SharedUploads(tmp_path / name, store, most_bytes=1000) for name in "ab")
    a.create(600)
    with pytest.raises(UploadsFull, match="600 bytes are here already"):
        b.create(600)
    b.create(400)
    assert len(a.ids()) == 2
    with pytest.raises(UploadsFull):
        a.require_room(1)
    with ThreadPoolExecutor(4) as pool:
        for upload_id in a.ids():
            a.delete(upload_id)
        made = [one for one in pool.map(lambda machine: _try(machine, 600), [a, b, a, b]) if one]
    assert len(made) <= 1


def _try(machine: SharedUploads, length: int) -> str | None:
    try:
        return machine.create(length).id
    except UploadsFull:
        return None


def test_a_fetched_file_that_nobody_needs_goes_and_one_of_a_job_stays(host: Host, store: MortalStore) -> None:
    a, kept, gone = host("a"), complete(host("b")), complete(host("b"))
    for upload_id in (kept, gone):
        folder = a.fetch(upload_id).parent
        long_ago = folder.stat().st_mtime - 7200
        os.utime(folder, (long_ago, long_ago))
    assert a.delete_old(keep=[kept]) == []
    assert (a.get(kept).data.exists(), a.get(gone).data.exists()) == (True, False)
