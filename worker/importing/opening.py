"""From a file that was uploaded to the source that reads it."""

from pathlib import Path

from core.import_kinds import PICTURES
from core.import_options import ImportOptions
from worker.importing.detect import Upload, look_at
from worker.importing.raw import Source, SourceRejected
from worker.importing.sources.folders import FoldersSource


def open_source(path: Path, options: ImportOptions) -> Source:
    """Open an upload. Raises SourceRejected where its bytes are nothing that is read, with what would do instead."""
    upload = look_at(path)
    if upload.archive is not None and not PICTURES.isdisjoint(upload.kinds()):
        return FoldersSource(upload.archive, upload.found, options)
    raise _rejected(upload)


def _rejected(upload: Upload) -> SourceRejected:
    if upload.kind in PICTURES:
        return SourceRejected(f"this is a single {upload.kind} image; pack many of them as a zip or a tar")
    if upload.archive is None:
        return SourceRejected(f"this is {upload.kind}; allowed: a zip or a tar of pictures, or arrays of pixels")
    kinds = ", ".join(f"{count} {kind}" for kind, count in upload.kinds().most_common(5)) or "none that can be read"
    return SourceRejected(
        f"no image in this {upload.archive.format}; its files by kind: {kinds}; allowed: PNG, JPEG, WebP, BMP and GIF, "
        "or arrays of pixels"
    )
