"""The files of the page, read once: what is served is what is in `page/`, under a path that has their digest in it."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

FOLDER = Path(__file__).resolve().parents[2] / "page"
INDEX = "index.html"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
DIGITS = 16  # of the digest


@dataclass(frozen=True)
class PageFiles:
    """All files by their path, such as `lib/api.js`, and the digest of them together."""

    files: dict[str, bytes]
    digest: str

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Self:
        """Read those whose kind a browser is told; there are no others."""
        paths = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        digest = sha256()
        for name, data in files.items():
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
        return cls(files, digest.hexdigest()[:DIGITS])

    def index(self, root: str) -> bytes:
        """The page itself, which names its files below `root`, the path that a proxy serves us under."""
        return self.files[INDEX].replace(b'"ui/', f'"{root}/ui/{self.digest}/'.encode())
