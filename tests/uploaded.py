"""Files of images as they are uploaded, in Redis and on disk, without an API."""

import hashlib
import os
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from core.import_options import ImportOptions
from core.settings import Settings
from core.uploads import KEPT_S, Upload
from jobs.record import ImportSpec
from sharing.places import Places
from sharing.uploads import SharedUploads
from tests.worker.importing.archives import png, zipped

IMAGES = 24


@cache
def archive(seed: int = 0, images: int = IMAGES, side: int = 28) -> bytes:
    """A zip of pictures of noise in two folders."""
    return zipped({f"{'ab'[k % 2]}/{k:05}.png": png(1000 * seed + k, side) for k in range(images)})


def upload(settings: Settings, data: bytes, name: str | None = "own.zip") -> Upload:
    uploads = Places.of(settings).uploads
    one = uploads.create(len(data), name)
    with uploads.append(one.id, 0) as writer:
        writer.write(data)
    return uploads.finish(one.id)


def grow_old(settings: Settings, upload_id: str) -> None:
    """Let an upload be one that nobody has used for longer than it is kept."""
    uploads = Places.of(settings).uploads
    if isinstance(uploads, SharedUploads):
        uploads._change(upload_id, lambda content: content.model_copy(update={"used_at": time.time() - KEPT_S - 60}))
        return
    for path in uploads.get(upload_id).data.parent.iterdir():
        used_s = path.stat().st_mtime - KEPT_S - 60
        os.utime(path, (used_s, used_s))


def import_spec(settings: Settings, data: bytes, name: str = "own", **changes: object) -> ImportSpec:
    """An import of these bytes, which are uploaded."""
    uploaded = upload(settings, data)
    spec = ImportSpec(
        name=name,
        options=ImportOptions(),
        upload=uploaded.id,
        file=uploaded.meta.file,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return spec.model_copy(update=changes)


def tree(folder: Path) -> set[str]:
    """The paths of all files and folders below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def digests(folder: Path) -> Mapping[str, str]:
    """What is in the files of a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}
