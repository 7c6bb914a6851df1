"""From a file that was uploaded to the source that reads it."""

from pathlib import Path

from core.import_kinds import HINTS, PICTURES
from core.import_options import ImportOptions
from worker.importing.detect import Upload, look_at
from worker.importing.raw import Source, SourceRejected
from worker.importing.sources.arrays import open_arrays
from worker.importing.sources.folders import FoldersSource


def open_source(path: Path, name: str, options: ImportOptions, folder: Path) -> Source:
    """Open an upload that was called `name`. Arrays are unpacked to files without a name in `folder`.

    Raises SourceRejected where its bytes are nothing that is read, with what would do instead.
    """
    upload = look_at(path)
    pictures = sum(count for kind, count in upload.kinds().items() if kind in PICTURES)
    if 2 * pictures < max(1, len(upload.found)) and (arrays := open_arrays(upload, name, options, folder)) is not None:
        return arrays
    if upload.archive is not None and pictures:
        return FoldersSource(upload.archive, upload.found, upload.files, options)
    raise _rejected(upload)


def _rejected(upload: Upload) -> SourceRejected:
    if upload.kind in PICTURES:
        return SourceRejected(f"this is a single {upload.kind} image; pack many of them as a zip or a tar")
    if upload.archive is None:
        return SourceRejected(f"this is {upload.kind}; allowed: a zip or a tar of pictures, or arrays of pixels")
    kinds = ", ".join(f"{count} {kind}" for kind, count in upload.kinds().most_common(5)) or "none that can be read"
    return SourceRejected(
        f"no image in this {upload.archive.format}; its files by kind: {kinds}; allowed: PNG, JPEG, WebP, BMP and GIF, "
        f"or arrays of pixels{''.join(f'; {HINTS[kind]}' for kind in upload.kinds() if kind in HINTS)}"
    )
