"""What `uploads/<id>.json` holds: an upload, and where its bytes are."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from core.uploads import UploadMeta
from objects.document import Document
from objects.store import ObjectStore

UPLOADS = "uploads"  # owners are uploads/<id>


class Piece(BaseModel):
    """Some bytes of an upload: a chunk of its owner."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    chunk: str
    bytes: int


class UploadContent(BaseModel):
    """An upload: nothing at all where `meta` is None. Its offset is where its pieces end."""

    model_config = ConfigDict(frozen=True, extra="allow")  # of a newer version: kept

    meta: UploadMeta | None = None
    used_at: float = 0.0  # seconds since 1970
    pieces: tuple[Piece, ...] = ()
    leaving: str | None = None  # the nonce of who is about to remove it, unless a job needs it
    deleted: bool = False  # and its chunks are being removed

    @property
    def offset(self) -> int:
        """How many bytes came."""
        return sum(piece.bytes for piece in self.pieces)

    def marked(self, mark: str | None) -> Self:
        """With the mark of who is about to remove it, or with none."""
        return self.model_copy(update={"leaving": mark})


def owner_of(upload_id: str) -> str:
    """The owner of an upload's chunks."""
    return f"{UPLOADS}/{upload_id}"


def upload_key(upload_id: str) -> str:
    """The key of its document."""
    return f"{UPLOADS}/{upload_id}.json"


def upload_document(store: ObjectStore, upload_id: str) -> Document[UploadContent]:
    """The document of an upload."""
    return Document(store, upload_key(upload_id), UploadContent)
