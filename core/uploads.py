"""Files that were uploaded and wait for their import. The API writes them, the worker reads them.

    <root>/<id>/data         the bytes so far; how many there are is the offset to go on at
    <root>/<id>/meta.json    UploadMeta
    <root>/.lock             held by whoever removes an upload that a job may need, or makes a job that needs one

What `UploadWriter.sync` has confirmed survives a kill of either side. A lock on `data`, which the kernel drops with its
process, keeps two writers apart, and a sweeper from an upload that somebody writes.
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedRandom
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from core.access import ANYBODY_ID
from core.errors import (
    UploadBusy,
    UploadIncomplete,
    UploadNotFound,
    UploadOffsetConflict,
    UploadsFull,
)
from core.files import new_folder, remove_folder, sha256_of, write_file
from core.locks import locked
from core.ticking import Tick, no_tick
from core.upload_writer import UploadWriter
from core.validation import Legible, legible

UPLOAD_ID = re.compile("[0-9a-f]{32}")
KEPT_S = 24 * 3600.0  # after the last use
DATA, META = "data", "meta.json"
LABEL = "upload"  # in the names of crash points
MOST_NAME = 255
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def file_name(text: str) -> str:
    """The name of a file as a client may tell it. Raises PydanticCustomError, which is a ValueError, for another."""
    text = legible(text)
    if len(text) > MOST_NAME or CONTROL.search(text):
        allowed = f"up to {MOST_NAME} characters, none of them a control character"
        raise PydanticCustomError("file_name", "this is no file's name; allowed: {allowed}", {"allowed": allowed})
    return text


FileName = Annotated[str, AfterValidator(file_name)]


class UploadMeta(BaseModel):
    """What is known of an upload beside its bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    length: int | None = Field(ge=0, description="Bytes of the whole file; null until that is known.")
    file: Legible | None = Field(description="The file's name, where the client told it.")
    created_at: datetime
    sha256: str | None = Field(None, description="Hex digest of the whole file, once it is complete.")
    caller: str = Field(ANYBODY_ID, description="The id of the key that it was begun with.")
    is_body: bool = Field(False, description="Whether it came as the body of an import, and goes with its job.")


@dataclass(frozen=True)
class Upload:
    """An upload as it is now."""

    id: str
    data: Path
    meta: UploadMeta
    offset: int  # bytes that came
    used_at: float  # seconds since 1970

    @property
    def is_complete(self) -> bool:
        """Whether all of it came and its digest is known, so that it can be imported."""
        return self.meta.sha256 is not None

    @property
    def expires_at(self) -> datetime:
        """When it may be removed, unless it is used before."""
        return datetime.fromtimestamp(self.used_at + KEPT_S, UTC)


class Uploads:
    """The uploads under one root. Any number of processes may use it at once. Every method may raise OSError."""

    def __init__(self, root: Path, most_bytes: int | None = None) -> None:
        """`most_bytes` are those of all uploads together; None is no bound."""
        self._root, self._most_bytes = root, most_bytes

    def create(
        self, length: int | None = None, file: str | None = None, caller: str = ANYBODY_ID, *, is_body: bool = False
    ) -> Upload:
        """Begin an upload of `length` bytes, without any yet, for a caller by the id of its key.

        Raises UploadsFull where there is no room for so many, and ShelfBusy.
        """
        upload_id = secrets.token_hex(16)
        meta = UploadMeta(length=length, file=file, created_at=datetime.now(UTC), caller=caller, is_body=is_body)
        with self.changing() if self._most_bytes else nullcontext():  # else two would take the same room
            self.require_room(length or 0)
            with new_folder(self._root / upload_id, LABEL) as folder:
                (folder / META).write_text(meta.model_dump_json(), encoding="utf-8")
                (folder / DATA).touch()
        return self.get(upload_id)

    def require_room(self, more: int = 0) -> None:
        """Raise UploadsFull when all uploads, each as long as it was announced, and `more` bytes are too many."""
        if self._most_bytes is not None and (there := self._bytes_there()) + more > self._most_bytes:
            raise UploadsFull(there, self._most_bytes)

    def _bytes_there(self) -> int:
        """Of all uploads, each as long as it was announced."""
        there = 0
        for upload_id in self.ids():
            with suppress(UploadNotFound):
                upload = self.get(upload_id)
                there += max(upload.offset, upload.meta.length or 0)
        return there

    @contextmanager
    def keeping(self, upload_id: str | None) -> Iterator[None]:
        """Let an upload not be removed while a job is made that needs it; any number may keep it at once.

        None keeps nothing that has to be there. Raises ShelfBusy, and UploadNotFound where it is gone. Among several
        machines that may also be raised at the end of the block; the job is in vain then.
        """
        with self._all_locked(shared=True):
            if upload_id is not None:
                self.get(upload_id)
            yield

    def changing(self) -> AbstractContextManager[None]:
        """Let nobody be `changing` or `keeping` uploads meanwhile. Raises ShelfBusy."""
        return self._all_locked(shared=False)

    def get(self, upload_id: str) -> Upload:
        """An upload. Raises UploadNotFound."""
        data, meta = self._file(upload_id, DATA), self._file(upload_id, META)
        try:
            known = UploadMeta.model_validate_json(meta.read_bytes())
            written, told = data.stat(), meta.stat()
        except (FileNotFoundError, ValidationError) as error:
            raise not_found(upload_id) from error
        return Upload(upload_id, data, known, written.st_size, max(written.st_mtime, told.st_mtime))

    def ids(self) -> list[str]:
        """All uploads, in no order."""
        if not self._root.is_dir():
            return []
        return [path.name for path in self._root.iterdir() if UPLOAD_ID.fullmatch(path.name)]

    @contextmanager
    def append(self, upload_id: str, offset: int) -> Iterator[UploadWriter]:
        """Write on at an offset, which is where the bytes so far end.

        What was written is on disk when the block ends, also where it ends with an error: the bytes of a broken
        connection count. Raises UploadNotFound, UploadBusy, and UploadOffsetConflict with the right offset, which is
        the only answer for an upload that is complete.
        """
        with self._locked(upload_id, fcntl.LOCK_EX) as file:
            upload = self.get(upload_id)
            if offset != upload.offset or upload.is_complete:
                raise UploadOffsetConflict(upload_id, offset, upload.offset)
            file.seek(offset)
            writer = UploadWriter(file, offset, upload.meta.length)
            try:
                yield writer
            finally:
                writer.sync()

    def finish(self, upload_id: str, sha256: str | None = None) -> Upload:
        """Record the digest of a file that came whole; computed unless given. Done twice, it changes nothing.

        Raises UploadNotFound, UploadBusy and UploadIncomplete.
        """
        with self._locked(upload_id, fcntl.LOCK_EX):
            upload = self.get(upload_id)
            if upload.is_complete:
                return upload
            length = upload.meta.length
            if length is not None and upload.offset < length:
                raise UploadIncomplete(f"upload {upload_id!r} has {upload.offset} of its {length} bytes")
            digest = sha256 or sha256_of(upload.data)
            meta = upload.meta.model_copy(update={"length": upload.offset, "sha256": digest})
            write_file(self._file(upload_id, META), meta.model_dump_json().encode())
        return self.get(upload_id)

    def use(self, upload_id: str) -> Upload:
        """A complete upload that is to be imported; it is kept for as long again from now on.

        Raises UploadNotFound, UploadBusy and UploadIncomplete.
        """
        with self._locked(upload_id, fcntl.LOCK_SH):
            upload = self.get(upload_id)
            if not upload.is_complete:
                raise UploadIncomplete(f"upload {upload_id!r} has {upload.offset} of its {upload.meta.length} bytes")
            os.utime(self._file(upload_id, META))
        return self.get(upload_id)

    def fetch(self, upload_id: str, tick: Tick = no_tick) -> Path:
        """The file of a complete upload on this machine. See `core/ticking.py`.

        Raises UploadNotFound, UploadBusy, UploadIncomplete, StoreAway and OSError.
        """
        return self.use(upload_id).data

    def head(self, upload_id: str, size: int) -> bytes:
        """The first bytes of an upload, at most so many. Raises UploadNotFound and StoreAway."""
        try:
            with self.get(upload_id).data.open("rb") as file:
                return file.read(size)
        except FileNotFoundError as error:
            raise not_found(upload_id) from error

    def delete(self, upload_id: str) -> None:
        """Remove an upload. Raises UploadNotFound."""
        if not self._file(upload_id, META).exists():
            raise not_found(upload_id)
        remove_folder(self._root / upload_id, LABEL)

    def delete_unless(self, upload_id: str, is_used: Callable[[], bool]) -> bool:
        """Remove an upload, unless it is used, while nobody is `keeping` uploads; whether it was removed.

        Raises UploadNotFound, ShelfBusy, and as `is_used` does.
        """
        with self.changing():
            if is_used():
                return False
            self.delete(upload_id)
            return True

    def delete_old(self, keep: Collection[str | None] = (), older_than_s: float = KEPT_S) -> list[str]:
        """Remove the uploads that were last used so long ago, but for those that are to be kept; their ids."""
        return [one for one in self.ids() if one not in keep and self._delete_if_old(one, older_than_s)]

    def delete_broken_off(self, older_than_s: float) -> list[str]:
        """Remove the bodies that broke off with the process that took them: nobody can go on with them; their ids."""
        return [one for one in self.ids() if self._delete_if_old(one, older_than_s, broken_off=True)]

    def _delete_if_old(self, upload_id: str, older_than_s: float, broken_off: bool = False) -> bool:
        def is_old() -> bool:
            upload = self.get(upload_id)
            in_parts = upload.meta.length is not None and not upload.meta.is_body
            goes_on = broken_off and (in_parts or upload.is_complete)
            return not goes_on and time.time() - upload.used_at >= older_than_s

        with suppress(UploadNotFound, UploadBusy):
            if is_old():  # else nobody is kept out by the lock
                with self._locked(upload_id, fcntl.LOCK_EX):
                    if is_old():
                        remove_folder(self._root / upload_id, LABEL)
                        return True
        return False

    def _all_locked(self, *, shared: bool) -> AbstractContextManager[None]:
        self._root.mkdir(parents=True, exist_ok=True)
        return locked(self._root / ".lock", "the uploads", shared=shared)

    @contextmanager
    def _locked(self, upload_id: str, kind: int) -> Iterator[BufferedRandom]:
        try:
            file = self._file(upload_id, DATA).open("r+b")
        except FileNotFoundError as error:
            raise not_found(upload_id) from error
        with file:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UploadBusy(f"somebody else writes upload {upload_id!r} at the moment") from error
            yield file

    def _file(self, upload_id: str, name: str) -> Path:
        if not UPLOAD_ID.fullmatch(upload_id):  # it may come from a URL, and be a path
            raise not_found(upload_id)
        return self._root / upload_id / name


def not_found(upload_id: str) -> UploadNotFound:
    """What is raised where there is no such upload, or none for whoever asks."""
    return UploadNotFound(f"no upload {upload_id!r}: it was never made, was deleted, or has expired")
