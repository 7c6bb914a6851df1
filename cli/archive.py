"""A backup as one file: a tar that is written, and read by `cli/unpacking.py`, from front to back.

    digitforge-backup.json   Header: what this is, and of which version
    snapshot.json            when Redis was as it is here: taken_ms, since 1970
    redis.jsonl              an Entry of jobs/snapshot.py in each line
    data/...                 files of the data folder; a file that stands in several places is a link from the second on
    folders.jsonl            when folders of the shelf changed, which means something there: a FolderTime in each line
    manifest.jsonl           path, bytes, SHA-256 and time of all of these in their order, a Line each; then their Total

The manifest comes last, so that an archive that breaks off has none, and nothing is taken from it.
"""

import hashlib
import json
import tarfile
from io import BytesIO
from typing import IO, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

HEADER, SNAPSHOT, MANIFEST = "digitforge-backup.json", "snapshot.json", "manifest.jsonl"
ENTRIES, DATA, FOLDERS = "redis.jsonl", "data", "folders.jsonl"
AT_ONCE = 1 << 20  # bytes


class Header(BaseModel):
    """What stands first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_number: int = Field(description="See core/schema.py.")
    made_by: str = Field(description="The version of digitforge.")
    created_at: str


class Line(NamedTuple):
    """A member, as the manifest has it."""

    path: str
    bytes: int
    sha256: str  # in hex
    mtime_ns: int


class FolderTime(NamedTuple):
    """When a folder changed last. A model's says when it arrived on the shelf, a deleted one's when it was deleted."""

    path: str
    mtime_ns: int


class Total(NamedTuple):
    """The end of the manifest: how many lines there are before, and their SHA-256 in hex."""

    members: int
    sha256: str


class Hashed:
    """A file that is read once, and the SHA-256 of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest, self.bytes = file, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        """As a file's."""
        data = self._file.read(size)
        self._digest.update(data)
        self.bytes += len(data)
        return data

    @property
    def sha256(self) -> str:
        """Of all that was read so far, in hex."""
        return self._digest.hexdigest()


class _Output:
    """A file until it is let go: tarfile ends an archive also when it is thrown away."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file: IO[bytes] | None = file

    def write(self, data: bytes) -> int:
        if self.file is not None:
            self.file.write(data)
        return len(data)


class ArchiveWriter:
    """Writes an archive behind its header. Each method may raise OSError, and the archive is worthless then."""

    def __init__(self, out: IO[bytes], header: Header) -> None:
        self._out = _Output(out)
        written = cast("IO[bytes]", self._out)
        self._tar = tarfile.open(fileobj=written, mode="w|", format=tarfile.PAX_FORMAT, bufsize=AT_ONCE)  # noqa: SIM115
        self._lines: list[bytes] = []
        self.add_bytes(HEADER, header.model_dump_json().encode() + b"\n")

    def add(self, path: str, file: IO[bytes], size: int, mtime_ns: int = 0) -> Line:
        """Write the next `size` bytes of a file; it may be longer."""
        hashed = Hashed(file)
        self._tar.addfile(_info(path, size), hashed)
        return self._note(Line(path, size, hashed.sha256, mtime_ns))

    def add_bytes(self, path: str, data: bytes) -> None:
        """Write a file that is in memory."""
        self.add(path, BytesIO(data), len(data))

    def link(self, path: str, first: Line) -> None:
        """Write that a file is the one that was written as `first`."""
        info = _info(path)
        info.type, info.linkname = tarfile.LNKTYPE, first.path
        self._tar.addfile(info)
        self._note(first._replace(path=path))

    def close(self) -> None:
        """Write the manifest, and end the archive."""
        lines = b"".join(self._lines)
        total = Total(len(self._lines), hashlib.sha256(lines).hexdigest())
        manifest = lines + json.dumps(total).encode() + b"\n"
        self._tar.addfile(_info(MANIFEST, len(manifest)), BytesIO(manifest))
        self._tar.close()

    def abandon(self) -> None:
        """Write no more."""
        self._out.file = None

    def _note(self, line: Line) -> Line:
        self._lines.append(json.dumps(line).encode() + b"\n")
        return line


def _info(path: str, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size, info.mode = size, 0o600
    return info
