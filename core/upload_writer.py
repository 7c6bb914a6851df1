"""Writing an upload behind what came of it before."""

import os
from hashlib import sha256
from io import BufferedRandom

from core.errors import UploadTooLong


class UploadWriter:
    """Writes behind what came before. The digest is known where it was written from the first byte on."""

    def __init__(self, file: BufferedRandom, offset: int, length: int | None) -> None:
        self._file, self.offset, self._length = file, offset, length
        self._digest = sha256() if offset == 0 else None

    def write(self, data: bytes) -> None:
        """Append bytes. Raises UploadTooLong, with none of them written, and OSError such as for a full disk."""
        if self._length is not None and self.offset + len(data) > self._length:
            raise UploadTooLong(f"the upload was announced with {self._length} bytes, and more came")
        self._file.write(data)
        self.offset += len(data)
        if self._digest is not None:
            self._digest.update(data)

    def sync(self) -> int:
        """Have all that came on disk; how many bytes that is. Only then may it be acknowledged."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self.offset

    @property
    def sha256(self) -> str | None:
        """The hex digest of what was written; None where that did not begin at 0."""
        return self._digest.hexdigest() if self._digest else None
