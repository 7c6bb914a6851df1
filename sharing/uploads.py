"""Uploads that any API of a deployment may receive, part by part, and any worker may import: their bytes are pieces in
the store, and `uploads/<id>.json` says which and in which order (`sharing/upload_document.py`).

    <root>/<id>/data    a file that was fetched to be imported on this machine

Two that write at once are kept apart by the offset: the first to have a piece there wins, and the other is told where
the upload goes on. An upload that is to be removed is marked first, as a data set is (`sharing/datasets.py`).
"""

import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

from core.access import ANYBODY_ID
from core.crash import crash_point
from core.errors import (
    DocumentDamaged,
    ObjectNotFound,
    StoreBusy,
    StoreError,
    UploadIncomplete,
    UploadNotFound,
    UploadOffsetConflict,
    UploadsFull,
)
from core.files import new_folder, remove_folder, sha256_of
from core.ticking import Tick, no_tick
from core.uploads import DATA, KEPT_S, UPLOAD_ID, Upload, UploadMeta, Uploads, not_found
from objects.document import Document
from objects.store import ObjectStore
from objects.ticking import TickingStore
from objects.trees import StoredFile, get_file, remove_owner
from sharing.upload_document import UPLOADS, UploadContent, owner_of, upload_document, upload_key
from sharing.upload_pieces import PieceWriter, read_pieces

LABEL = "upload"  # in the names of crash points
TRIES = 10  # at a removal that others come between
ROOM_S = 1.0
LOCAL_S = 3600.0  # how long a fetched file stays that nobody removed


class SharedUploads(Uploads):
    """The uploads of a store. Every method may raise StoreAway and OSError."""

    def __init__(self, root: Path, store: ObjectStore, most_bytes: int | None = None) -> None:
        """Files that are fetched, and pieces on their way, are below `root`."""
        super().__init__(root, most_bytes)
        self._store, self._room_at = store, -ROOM_S

    def create(
        self, length: int | None = None, file: str | None = None, caller: str = ANYBODY_ID, *, is_body: bool = False
    ) -> Upload:
        """Begin an upload. Raises UploadsFull; of two that want the same room both may be refused."""
        upload_id = secrets.token_hex(16)
        meta = UploadMeta(length=length, file=file, created_at=datetime.now(UTC), caller=caller, is_body=is_body)
        self._document(upload_id).change(lambda _, __: UploadContent(meta=meta, used_at=time.time()))
        if self._most_bytes is not None:
            there = self._bytes_there()
            if there > self._most_bytes:
                self.delete(upload_id)
                raise UploadsFull(there - (length or 0), self._most_bytes)
        return self.get(upload_id)

    def require_room(self, more: int = 0) -> None:
        """Raise UploadsFull when all uploads are too many. Asked for each part of a body, a look is good for 1 s."""
        if self._most_bytes is not None and (more or time.monotonic() > self._room_at + ROOM_S):
            super().require_room(more)
            self._room_at = time.monotonic()

    def get(self, upload_id: str) -> Upload:
        """An upload. Raises UploadNotFound."""
        content, _ = self._document(upload_id).read()
        return self._upload(upload_id, content)

    def ids(self) -> list[str]:
        """All uploads, in no order."""
        keys = (listed.key.removeprefix(f"{UPLOADS}/") for listed in self._store.list(f"{UPLOADS}/"))
        names = (key.removesuffix(".json") for key in keys if key.endswith(".json"))
        return [name for name in names if UPLOAD_ID.fullmatch(name)]

    @contextmanager
    def keeping(self, upload_id: str | None) -> Iterator[None]:
        """Let an upload not be removed while a job is made that needs it.

        Raises UploadNotFound, also at the end of the block. Where the store is away then, the job finds out.
        """
        if upload_id is not None:
            self.get(upload_id)
        yield
        if upload_id is not None:
            with suppress(StoreError):
                self._change(upload_id, lambda content: content.marked(None))

    @contextmanager
    def append(self, upload_id: str, offset: int) -> Iterator[PieceWriter]:
        """Write on at an offset, which is where the pieces so far end.

        What was written is in the store when the block ends, also where it ends with an error. Raises UploadNotFound,
        and UploadOffsetConflict with the right offset, which a writer also raises once another one was faster.
        """
        upload = self.get(upload_id)
        if offset != upload.offset or upload.is_complete:
            raise UploadOffsetConflict(upload_id, offset, upload.offset)
        self._root.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=self._root) as buffer:  # without a name, so that nothing is left of it
            writer = PieceWriter(self._store, self._document(upload_id), upload, buffer)
            try:
                yield writer
            finally:
                writer.sync()

    def finish(self, upload_id: str, sha256: str | None = None) -> Upload:
        """Record the digest of a file that came whole; computed unless given. Done twice, it changes nothing.

        Raises UploadNotFound and UploadIncomplete.
        """
        content, _ = self._document(upload_id).read()
        upload = self._upload(upload_id, content)
        if upload.is_complete:
            return upload
        length = upload.meta.length
        if length is not None and upload.offset < length:
            raise UploadIncomplete(f"upload {upload_id!r} has {upload.offset} of its {length} bytes")
        digest = sha256 or _digest(self._store, content)
        meta = upload.meta.model_copy(update={"length": upload.offset, "sha256": digest})

        def finished(now: UploadContent) -> UploadContent:
            if now.offset != upload.offset:  # of a length that nobody told, and somebody wrote on
                raise UploadOffsetConflict(upload_id, upload.offset, now.offset)
            return now.model_copy(update={"meta": meta, "used_at": time.time()})

        return self._upload(upload_id, self._change(upload_id, finished))

    def use(self, upload_id: str) -> Upload:
        """A complete upload that is to be imported; it is kept for as long again from now on.

        Raises UploadNotFound and UploadIncomplete.
        """

        def used(content: UploadContent) -> UploadContent:
            upload = self._upload(upload_id, content)
            if not upload.is_complete:
                raise UploadIncomplete(f"upload {upload_id!r} has {upload.offset} of its {upload.meta.length} bytes")
            return content.model_copy(update={"used_at": time.time()})

        return self._upload(upload_id, self._change(upload_id, used))

    def fetch(self, upload_id: str, tick: Tick = no_tick) -> Path:
        """The file of a complete upload on this machine, verified. Raises UploadNotFound and UploadIncomplete."""
        upload = self.use(upload_id)
        content, _ = self._document(upload_id).read()
        if upload.data.is_file() and sha256_of(upload.data) == upload.meta.sha256:
            return upload.data
        remove_folder(upload.data.parent, LABEL)
        assert upload.meta.sha256 is not None
        chunks = tuple(piece.chunk for piece in content.pieces)
        file = StoredFile(bytes=upload.offset, sha256=upload.meta.sha256, chunks=chunks)
        try:
            with suppress(FileExistsError), new_folder(upload.data.parent, LABEL) as folder:
                get_file(TickingStore(self._store, tick), file, folder / DATA)
        except (ObjectNotFound, DocumentDamaged) as error:
            self.get(upload_id)  # which may have been removed meanwhile
            raise UploadIncomplete(f"upload {upload_id!r} is damaged in the store: {error}") from error
        return upload.data

    def head(self, upload_id: str, size: int) -> bytes:
        """The first bytes of an upload, at most so many."""
        content, _ = self._document(upload_id).read()
        self._upload(upload_id, content)
        found = b""
        for data in read_pieces(self._store, content):
            found += data[: size - len(found)]
            if len(found) == size:
                break
        return found

    def delete(self, upload_id: str) -> None:
        """Remove an upload. Raises UploadNotFound."""
        self._mark_deleted(upload_id, lambda _: True)
        self._remove(upload_id)

    def delete_unless(self, upload_id: str, is_used: Callable[[], bool]) -> bool:
        """Remove an upload, unless it is used; whether it was removed. Raises UploadNotFound, and as `is_used` does."""
        for _ in range(TRIES):
            removed = self._try_to_delete(upload_id, is_used)
            if removed is not None:
                return removed
        raise StoreBusy(f"others have been making jobs that need upload {upload_id!r}")

    def delete_old(self, keep: Collection[str | None] = (), older_than_s: float = KEPT_S) -> list[str]:
        """Remove the uploads that were last used so long ago, but for those that are to be kept; their ids."""
        for one in self._root.glob("*"):  # what was fetched for a job that has ended
            with suppress(FileNotFoundError):
                if UPLOAD_ID.fullmatch(one.name) and one.name not in keep and _age_s(one) > LOCAL_S:
                    remove_folder(one, LABEL)
        return super().delete_old(keep, older_than_s)

    def _try_to_delete(self, upload_id: str, is_used: Callable[[], bool]) -> bool | None:
        """Whether it was removed; None where others came between."""
        mark = secrets.token_hex(8)
        self._change(upload_id, lambda content: content.marked(mark))
        crash_point("upload:marked")
        if is_used():
            return False  # the mark stays, and means nothing to others
        if not self._mark_deleted(upload_id, lambda content: content.leaving == mark):
            return None
        self._remove(upload_id)
        return True

    def _delete_if_old(self, upload_id: str, older_than_s: float, broken_off: bool = False) -> bool:
        def is_old(content: UploadContent) -> bool:
            upload = self._upload(upload_id, content)
            in_parts = upload.meta.length is not None and not upload.meta.is_body
            goes_on = broken_off and (in_parts or upload.is_complete)
            return not goes_on and time.time() - upload.used_at >= older_than_s

        content, _ = self._document(upload_id).read()
        if content.deleted:  # by a process that was killed before its end
            self._remove(upload_id)
            return False
        with suppress(UploadNotFound):
            if is_old(content) and self._mark_deleted(upload_id, is_old):
                self._remove(upload_id)
                return True
        return False

    def _mark_deleted(self, upload_id: str, may_go: Callable[[UploadContent], bool]) -> bool:
        """Let nobody find it any more, where it may go; whether that is so. Raises UploadNotFound."""
        content = self._change(
            upload_id, lambda content: content.model_copy(update={"deleted": True}) if may_go(content) else content
        )
        return content.deleted

    def _remove(self, upload_id: str) -> None:
        """Remove what nobody finds any more; its document last, so that a sweeper can go on with it."""
        crash_point("upload:half-removed")
        remove_owner(self._store, owner_of(upload_id))
        self._store.delete(upload_key(upload_id))
        remove_folder(self._root / upload_id, LABEL)

    def _change(self, upload_id: str, compute: Callable[[UploadContent], UploadContent]) -> UploadContent:
        """Change what is said of an upload; what is said then. Raises UploadNotFound."""

        def changed(content: UploadContent, _: int) -> UploadContent:
            self._upload(upload_id, content)
            return compute(content)

        content, _ = self._document(upload_id).change(changed)
        return content

    def _document(self, upload_id: str) -> Document[UploadContent]:
        if not UPLOAD_ID.fullmatch(upload_id):  # it may come from a URL, and be a path
            raise not_found(upload_id)
        return upload_document(self._store, upload_id)

    def _upload(self, upload_id: str, content: UploadContent) -> Upload:
        if content.meta is None or content.deleted:
            raise not_found(upload_id)
        return Upload(upload_id, self._root / upload_id / DATA, content.meta, content.offset, content.used_at)


def _digest(store: ObjectStore, content: UploadContent) -> str:
    whole = sha256()
    for data in read_pieces(store, content):
        whole.update(data)
    return whole.hexdigest()


def _age_s(folder: Path) -> float:
    return time.time() - folder.stat().st_mtime
