"""The bytes of an upload as pieces in the store: written behind what came before, and read again."""

import time
from collections.abc import Iterator
from hashlib import sha256
from io import BufferedRandom

from core.errors import DocumentDamaged, StoreAway, UploadOffsetConflict
from core.upload_writer import UploadWriter
from core.uploads import Upload, not_found
from objects.document import Document
from objects.store import ObjectStore
from objects.trees import CHUNK
from sharing.upload_document import Piece, UploadContent, owner_of

MOST_SILENT_S = 60.0  # a sweeper is to see that somebody writes


class PieceWriter(UploadWriter):
    """Writes pieces of `CHUNK` bytes, and whatever is left at each `sync`.

    What comes is on disk until a piece is full, because many may write at once. A process that is killed loses that.
    """

    def __init__(
        self, store: ObjectStore, document: Document[UploadContent], upload: Upload, buffer: BufferedRandom
    ) -> None:
        """`buffer` is an empty file."""
        super().__init__(buffer, upload.offset, upload.meta.length)
        self._store, self._document, self._id = store, document, upload.id
        self._synced, self._synced_at, self._is_broken = upload.offset, time.monotonic(), False

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises UploadTooLong, with none of them written, UploadOffsetConflict once somebody else was faster, StoreAway,
        and OSError such as for a full disk.
        """
        if self._is_broken:
            raise StoreAway(f"upload {self._id!r}: what came before could not be stored")
        super().write(data)
        if time.monotonic() > self._synced_at + MOST_SILENT_S:
            self.sync()
        elif self.offset - self._synced >= CHUNK:
            self._put(whole_pieces=True)

    def sync(self) -> int:
        """Have all that came in the store; how many bytes that is. Only then may it be acknowledged."""
        if not self._is_broken:
            self._put()
        return self._synced

    def _put(self, *, whole_pieces: bool = False) -> None:
        """Put what came as pieces; with `whole_pieces` the rest that is none stays in the buffer."""
        self._file.seek(0)
        data = self._file.read()
        end = len(data) - len(data) % CHUNK if whole_pieces else len(data)
        self._is_broken = True  # until all of it is there
        for start in range(0, end, CHUNK):
            self._add(data[start : min(start + CHUNK, end)])
        self._file.seek(0)
        self._file.truncate()
        self._file.write(data[end:])
        self._synced_at, self._is_broken = time.monotonic(), False

    def _add(self, data: bytes) -> None:
        """Put a piece, and let the document name it if the upload still ends where it is to stand.

        Small pieces become one with the last before them while that is no longer: so an upload of many small parts has
        few pieces, and each byte is put some times at most.
        """
        content, _ = self._document.read()
        self._require_end(content)
        pieces = list(content.pieces)
        while pieces and pieces[-1].bytes <= len(data) <= CHUNK - pieces[-1].bytes:
            data = _read(self._store, pieces.pop()) + data
        chunk = f"{owner_of(self._id)}/{sha256(data).hexdigest()}"
        self._store.put_once(chunk, data)
        pieces.append(Piece(chunk=chunk, bytes=len(data)))

        def longer(now: UploadContent, _: int) -> UploadContent:
            self._require_end(now)
            return now.model_copy(update={"pieces": tuple(pieces), "used_at": time.time()})

        self._document.change(longer)
        self._synced = sum(piece.bytes for piece in pieces)

    def _require_end(self, content: UploadContent) -> None:
        """Raise UploadNotFound, or UploadOffsetConflict, unless the upload still ends where the next piece belongs."""
        if content.meta is None or content.deleted:
            raise not_found(self._id)
        if content.offset != self._synced or content.meta.sha256 is not None:
            raise UploadOffsetConflict(self._id, self._synced, content.offset)


def read_pieces(store: ObjectStore, content: UploadContent) -> Iterator[bytes]:
    """The bytes of an upload, piece by piece, each verified. Raises ObjectNotFound, DocumentDamaged and StoreAway."""
    for piece in content.pieces:
        yield _read(store, piece)


def _read(store: ObjectStore, piece: Piece) -> bytes:
    data = store.get(piece.chunk).data
    if sha256(data).hexdigest() != piece.chunk.rpartition("/")[2]:
        raise DocumentDamaged(f"{piece.chunk}: truncated or altered")
    return data
