"""Uploads as they go over HTTP."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from app.http.urls import url
from core.uploads import Upload


class UploadView(BaseModel):
    """A file on its way to an import."""

    id: str
    file: str | None = Field(description="Its name, where the client told it.")
    length: int | None = Field(description="Bytes of the whole file.")
    offset: int = Field(description="Bytes that came; the next ones go behind them.")
    complete: bool = Field(description="Whether it can be imported.")
    sha256: str | None = Field(description="Hex digest of the whole file, once it is complete.")
    created_at: datetime
    expires_at: datetime = Field(description="When it is removed, unless it is used before.")
    url: str

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """Show an upload."""
        return cls(
            id=upload.id,
            file=upload.meta.file,
            length=upload.meta.length,
            offset=upload.offset,
            complete=upload.is_complete,
            sha256=upload.meta.sha256,
            created_at=upload.meta.created_at,
            expires_at=upload.expires_at,
            url=url(f"/uploads/{upload.id}"),
        )
