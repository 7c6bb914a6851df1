"""Reading an archive of `cli/archive.py`: everything is verified before anything of it is used.

It makes regular files alone, each new, below the folder that it is given.
"""

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import TypeAdapter, ValidationError

from cli.archive import AT_ONCE, DATA, ENTRIES, FOLDERS, HEADER, MANIFEST, SNAPSHOT, FolderTime, Hashed, Header, Line
from cli.data_files import LEFT_OUT
from core.errors import DigitforgeError
from core.files import TEMPORARY_PREFIX, link_or_copy
from core.schema import require_readable

_LINE, _FOLDER_TIME = TypeAdapter(Line), TypeAdapter(FolderTime)


class ArchiveDamaged(DigitforgeError):
    """What was given is no backup, or not all of one, or it was altered."""


def unpack(source: IO[bytes], folder: Path) -> Header:
    """Unpack an archive into an empty folder, with the times that its files and folders had.

    Raises ArchiveDamaged, StartError for one of a newer version, and OSError; what was unpacked is of no use then.
    """
    with _telling_of_damage():
        tar = tarfile.open(fileobj=source, mode="r|", bufsize=AT_ONCE)  # noqa: SIM115
        found: dict[str, tuple[int, str]] = {}
        header = _header(tar, found)
        require_readable(str(header.schema_number), "the backup's schema")
        while (info := tar.next()) is not None:
            path = _checked(info.name)
            if path == MANIFEST:
                _verify(_content(tar, info), found, folder)
                if tar.next() is not None:
                    raise ArchiveDamaged(f"something follows {MANIFEST}")
                if FOLDERS in found:
                    _give_times(folder)
                return header
            if path in found:
                raise ArchiveDamaged(f"{path!r} is there twice")
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if info.islnk():
                first = _checked(info.linkname)
                if first not in found:
                    raise ArchiveDamaged(f"{path!r}: a link to {first!r}, which is not there")
                link_or_copy(folder / first, target)
                found[path] = found[first]
            else:
                content = Hashed(_content(tar, info))
                with target.open("xb") as file:
                    shutil.copyfileobj(content, file, AT_ONCE)
                found[path] = content.bytes, content.sha256
    raise ArchiveDamaged(f"it breaks off: there is no {MANIFEST}")


def _header(tar: tarfile.TarFile, found: dict[str, tuple[int, str]]) -> Header:
    info = tar.next()
    if info is None or info.name != HEADER:
        raise ArchiveDamaged(f"it does not begin with {HEADER}")
    content = Hashed(_content(tar, info))
    data = content.read(AT_ONCE)
    found[HEADER] = content.bytes, content.sha256
    try:
        return Header.model_validate_json(data)
    except ValidationError as error:
        raise ArchiveDamaged(f"{HEADER}: {error.errors()[0]['msg']}") from error


def _checked(name: str) -> str:
    """A path of a member: one of our own names, or below `data`."""
    path = PurePosixPath(name)
    top, *below = path.parts or [""]
    in_data = top == DATA and below and below[0] not in LEFT_OUT and not any(map(_is_reserved, below))
    if str(path) != name or "\0" in name or not (in_data or name in (SNAPSHOT, ENTRIES, FOLDERS, MANIFEST)):
        raise ArchiveDamaged(f"{name!r}: no path of a backup")
    return name


def _is_reserved(part: str) -> bool:
    return part == ".." or part.startswith(TEMPORARY_PREFIX)


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(info) if info.isreg() else None
    if content is None:
        raise ArchiveDamaged(f"{info.name!r}: neither a file nor a link to one")
    return content


def _verify(manifest: IO[bytes], found: dict[str, tuple[int, str]], folder: Path) -> None:
    """Hold what was unpacked against the manifest, and give each file its time."""
    digest, expected, lines, text = hashlib.sha256(), dict(found), 0, b""
    for text in manifest:
        try:
            line = _LINE.validate_json(text)
        except ValidationError:
            break
        digest.update(text)
        lines += 1
        if expected.pop(line.path, None) != (line.bytes, line.sha256):
            raise ArchiveDamaged(f"{line.path!r}: truncated or altered")
        if line.path != HEADER:
            os.utime(folder / line.path, ns=(line.mtime_ns, line.mtime_ns))
    if json.loads(text or "null") != [lines, digest.hexdigest()] or manifest.read(1):
        raise ArchiveDamaged(f"{MANIFEST}: truncated or altered")
    if expected:
        raise ArchiveDamaged(f"{next(iter(expected))!r}: not in {MANIFEST}")


def _give_times(folder: Path) -> None:
    """Give each folder its time, once all of its files are there."""
    with (folder / FOLDERS).open("rb") as lines:
        for text in lines:
            path, mtime_ns = _FOLDER_TIME.validate_json(text)
            with suppress(FileNotFoundError):  # it went before its files were read
                os.utime(folder / _checked(path), ns=(mtime_ns, mtime_ns))


@contextmanager
def _telling_of_damage() -> Iterator[None]:
    """Whatever a damaged tar leads to in the library that reads it."""
    try:
        yield
    except (tarfile.TarError, ValueError, EOFError, OverflowError, FileExistsError, NotADirectoryError) as error:
        raise ArchiveDamaged(f"it is damaged: {error}") from error
