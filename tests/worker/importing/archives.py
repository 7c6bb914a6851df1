"""Archives for tests: made of names and bytes, whole or broken on purpose."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from core.import_report import FileProblem
from worker.importing.members import Archive

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def png(seed: int = 0, side: int = 28, mode: str = "L") -> bytes:
    """A picture of noise."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, channels), np.uint8)
    return encoded(Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels, mode), "PNG")


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(files: Mapping[str, bytes], packing: str = "", form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return PACK[packing](file.getvalue())


def put(folder: Path, data: bytes) -> Path:
    """A file with these bytes, whose name says nothing."""
    path = folder / "data"
    path.write_bytes(data)
    return path


def contents(archive: Archive) -> tuple[dict[str, bytes], list[FileProblem]]:
    """The files of an archive, and its problems."""
    files, problems = {}, []
    for member in archive.members():
        if isinstance(member, FileProblem):
            problems.append(member)
        else:
            files[member.name] = member.read(2**24)
    return files, problems
