"""Uploads on disk: what came is kept and goes on, two writers are kept apart, and what is old is removed."""

import hashlib
import os
import signal
import time
from pathlib import Path

import pytest

from core.errors import UploadBusy, UploadIncomplete, UploadNotFound, UploadOffsetConflict, UploadTooLong
from core.files import TEMPORARY_PREFIX
from core.startup import PYTHON
from core.uploads import KEPT_S, Uploads
from objects.files import FileStore
from sharing.uploads import SharedUploads
from tests.programs import running
from tests.service import wait_until
from tests.tiny import largest_file

BYTES = bytes(range(256)) * 4
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def uploads_of_files(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


@pytest.fixture(params=["files", "store"])
def uploads(uploads_of_files: Uploads, tmp_path: Path, request: pytest.FixtureRequest) -> Uploads:
    if request.param == "files":
        return uploads_of_files
    return SharedUploads(tmp_path / "uploads", FileStore(tmp_path / "store"))


def write(uploads: Uploads, upload_id: str, *parts: bytes, error: Exception | None = None) -> None:
    """Append parts where the upload ends, each confirmed, and perhaps break off then."""
    with uploads.append(upload_id, uploads.get(upload_id).offset) as writer:
        for part in parts:
            writer.write(part)
            writer.sync()
        if error:
            raise error


def complete(uploads: Uploads) -> str:
    upload = uploads.create(len(BYTES), "digits.zip")
    with uploads.append(upload.id, 0) as writer:
        writer.write(BYTES)
    return uploads.finish(upload.id, writer.sha256).id


def grow_old(uploads: Uploads, upload_id: str) -> None:
    long_ago = time.time() - KEPT_S - 1
    if isinstance(uploads, SharedUploads):
        uploads._change(upload_id, lambda content: content.model_copy(update={"used_at": long_ago}))
        return
    for path in uploads.get(upload_id).data.parent.iterdir():
        os.utime(path, (long_ago, long_ago))


def test_a_file_comes_in_parts_and_its_digest_is_that_of_all(uploads: Uploads) -> None:
    upload = uploads.create(len(BYTES), "digits.zip")
    assert (upload.offset, upload.meta.file, upload.is_complete) == (0, "digits.zip", False)
    for start in range(0, len(BYTES), 256):
        with uploads.append(upload.id, start) as writer:
            writer.write(BYTES[start : start + 256])
            assert writer.sync() == start + 256
    assert writer.sha256 is None
    done = uploads.finish(upload.id)
    assert (done.meta.sha256, done.is_complete) == (SHA256, True)
    assert uploads.fetch(upload.id).read_bytes() == BYTES
    assert (uploads.head(upload.id, 300), uploads.head(upload.id, 9999)) == (BYTES[:300], BYTES)
    assert uploads.finish(upload.id).meta == done.meta
    assert uploads.use(upload.id).meta == done.meta


def test_a_file_that_comes_at_once_is_hashed_as_it_comes(uploads: Uploads) -> None:
    upload = uploads.create()  # of a length that nobody told
    with uploads.append(upload.id, 0) as writer:
        writer.write(BYTES[:100])
        writer.write(BYTES[100:])
    assert writer.sha256 == SHA256
    assert uploads.finish(upload.id, writer.sha256).meta.length == len(BYTES)


def test_what_came_before_an_error_counts(uploads: Uploads) -> None:
    upload = uploads.create(len(BYTES))
    with pytest.raises(ConnectionError):
        write(uploads, upload.id, BYTES[:700], error=ConnectionError())
    assert uploads.get(upload.id).offset == 700
    write(uploads, upload.id, BYTES[700:])
    assert uploads.finish(upload.id).meta.sha256 == SHA256


def test_an_upload_goes_on_only_where_it_ended(uploads: Uploads) -> None:
    upload = uploads.create(len(BYTES))
    with uploads.append(upload.id, 0) as writer:
        writer.write(BYTES[:10])
    for offset in (0, 9, 11):
        with (
            pytest.raises(UploadOffsetConflict, match=f"goes on at offset 10, not at {offset}") as caught,
            uploads.append(upload.id, offset),
        ):
            pass
        assert caught.value.offset == 10


def test_a_complete_upload_takes_no_more(uploads: Uploads) -> None:
    upload_id = complete(uploads)
    with pytest.raises(UploadOffsetConflict), uploads.append(upload_id, len(BYTES)):
        pass


def test_more_than_was_announced_is_refused_and_not_written(uploads: Uploads) -> None:
    upload = uploads.create(5)
    with pytest.raises(UploadTooLong, match="announced with 5 bytes"):
        write(uploads, upload.id, b"123", b"456")
    assert uploads.get(upload.id).offset == 3


def test_an_upload_that_is_not_complete_is_not_imported(uploads: Uploads) -> None:
    upload = uploads.create(5)
    with uploads.append(upload.id, 0) as writer:
        writer.write(b"123")
    for call in (uploads.finish, uploads.use):
        with pytest.raises(UploadIncomplete, match="has 3 of its 5 bytes"):
            call(upload.id)


@pytest.mark.parametrize("upload_id", ["0" * 32, "..", "names", "", "../../etc/passwd"])
def test_there_is_no_upload_of_another_name(uploads: Uploads, upload_id: str) -> None:
    for call in (uploads.get, uploads.finish, uploads.use, uploads.delete):
        with pytest.raises(UploadNotFound):
            call(upload_id)
    with pytest.raises(UploadNotFound), uploads.append(upload_id, 0):
        pass


def test_a_second_writer_is_refused_while_the_first_writes(uploads_of_files: Uploads) -> None:
    upload = uploads_of_files.create()
    with uploads_of_files.append(upload.id, 0) as writer:
        writer.write(b"1")
        with pytest.raises(UploadBusy), uploads_of_files.append(upload.id, 0):
            pass
        for call in (uploads_of_files.finish, uploads_of_files.use):
            with pytest.raises(UploadBusy):
                call(upload.id)
    with uploads_of_files.append(upload.id, 1) as writer:
        writer.write(b"2")
    assert uploads_of_files.get(upload.id).data.read_bytes() == b"12"


def test_a_writer_that_is_killed_leaves_what_it_confirmed_and_no_lock(
    uploads_of_files: Uploads, tmp_path: Path
) -> None:
    upload, confirmed = uploads_of_files.create(len(BYTES)), tmp_path / "confirmed"
    program = (
        "import sys, time; from pathlib import Path; from core.uploads import Uploads\n"
        f"with Uploads(Path({str(tmp_path / 'uploads')!r})).append({upload.id!r}, 0) as writer:\n"
        f"    writer.write(bytes(range(256))); writer.sync(); Path({str(confirmed)!r}).touch(); time.sleep(60)\n"
    )
    with running([*PYTHON, "-c", program]) as process:
        wait_until(confirmed.exists)
        process.send_signal(signal.SIGKILL)
    with uploads_of_files.append(upload.id, 256) as writer:
        writer.write(BYTES[256:])
    assert uploads_of_files.finish(upload.id).meta.sha256 == SHA256


def test_a_full_disk_is_told_and_what_came_before_stays(uploads_of_files: Uploads) -> None:
    upload = uploads_of_files.create()
    with largest_file(512), pytest.raises(OSError, match="too large"):
        write(uploads_of_files, upload.id, BYTES[:512], BYTES[512:])
    assert uploads_of_files.get(upload.id).data.read_bytes() == BYTES[:512]


def test_deleting_leaves_nothing(uploads: Uploads) -> None:
    upload_id = complete(uploads)
    uploads.delete(upload_id)
    assert uploads.ids() == []
    with pytest.raises(UploadNotFound):
        uploads.delete(upload_id)


def test_uploads_that_nobody_used_for_a_day_are_removed(uploads: Uploads, tmp_path: Path) -> None:
    first, used, new = (complete(uploads) for _ in range(3))
    written = uploads.create()
    for upload_id in (first, used, written.id):
        grow_old(uploads, upload_id)
    uploads.use(used)
    with uploads.append(written.id, 0) as writer:
        if isinstance(uploads, SharedUploads):  # it has no lock: who writes is known by what came
            writer.write(b"1")
            writer.sync()
        assert uploads.delete_old() == [first]
    assert set(uploads.ids()) == {used, new, written.id}
    assert not list((tmp_path / "uploads").glob(f"{TEMPORARY_PREFIX}*"))


def test_bodies_that_broke_off_with_their_process_are_removed(uploads: Uploads) -> None:
    whole, in_parts = complete(uploads), uploads.create(10).id
    gone, written, new = (uploads.create().id for _ in range(3))
    for upload_id in (whole, in_parts, gone, written):
        grow_old(uploads, upload_id)
    with uploads.append(written, 0) as writer:
        if isinstance(uploads, SharedUploads):  # it has no lock: who writes is known by what came
            writer.write(b"1")
            writer.sync()
        assert uploads.delete_broken_off(600.0) == [gone]
    assert set(uploads.ids()) == {whole, in_parts, written, new}
