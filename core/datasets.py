"""Data sets on disk: folders of IDX files. What they may be called, which there are, and where their files are.

Only headers are read here: `core/idx.py` reads the files. This module imports no torch.
"""

import gzip
import os
import re
import stat
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from core.validation import legible

Split = Literal["train", "t10k"]  # as MNIST's files are called

PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
ALLOWED_NAMES = "1 to 64 of the letters a to z and A to Z, digits, '.', '_' and '-', with a letter or a digit first"
SHOWN = 5  # names in a list of an error


def images_file(split: Split = "train") -> str:
    """The file with the images of a split; packed, `.gz` follows."""
    return f"{split}-images-idx3-ubyte"


def labels_file(split: Split = "train") -> str:
    """The file with the labels of a split; packed, `.gz` follows."""
    return f"{split}-labels-idx1-ubyte"


FILES = [file(split) for split in get_args(Split) for file in (images_file, labels_file)]


def _check_usable(name: str) -> str:
    if not _is_usable(name):
        raise PydanticCustomError(
            "dataset_name",
            "a data set's name stands in commands and in paths; allowed: {allowed}",
            {"allowed": ALLOWED_NAMES},
        )
    return name


DatasetName = Annotated[str, AfterValidator(_check_usable), Field(json_schema_extra={"pattern": PATTERN})]


def dataset_names(root: Path) -> list[str]:
    """The data sets that can be asked for: folders with a usable name and an images file. Raises OSError."""
    return [name for name in _with_images(root) if _is_usable(name)]


def why_no_dataset(root: Path, name: str, also: Sequence[str] = ()) -> str:
    """Why `dataset_names` does not have this name, and what can be asked for instead, `also` too. Raises OSError."""
    if (root / name) in root.iterdir():
        return why_no_file(root / name, images_file())
    allowed = ", ".join([*dataset_names(root), *also])
    detail = f"there is no such data set; allowed: {allowed or 'none, the folder has no data sets'}"
    unusable = [repr(other) for other in _with_images(root) if not _is_usable(other)]
    if unusable:
        detail += f"; to use {_some(unusable)}, rename the folder: a name is {ALLOWED_NAMES}"
    return detail


def find_file(folder: Path, name: str) -> Path | None:
    """`name` or else `name.gz` in a folder. None where there is no such file, or no access to it."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if _is_file(path)), None)


def idx_sizes(folder: Path, name: str, rank: int) -> tuple[int, ...] | None:
    """The sizes that the header of an IDX file, raw or packed, says. None where it says none."""
    path = find_file(folder, name)
    if path is None:
        return None
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if is_packed else path.open("rb") as file:
            return struct.unpack(f">4x{rank}I", file.read(4 + 4 * rank))
    except (OSError, EOFError, zlib.error, struct.error):
        return None


def why_no_file(folder: Path, name: str) -> str:
    """Why `find_file` finds nothing: what stands in the way, or else which files may be meant."""
    try:
        there = {path.name for path in folder.iterdir()}
    except OSError as error:
        return f"{folder}: cannot be read: {error.strerror}"
    taken = next((folder / file for file in (name, f"{name}.gz") if file in there), None)
    if taken is not None:
        return f"{taken}: cannot be read: {_obstacle(taken)}"
    detail = f"{folder / name}: no such file, raw or .gz"
    similar = _similar(folder, name)
    if similar:
        which = "rename it" if len(similar) == 1 else "rename the right one"
        detail += f"; found {_some(similar)}: {which} to {name}, or to {name}.gz if it is packed"
    return detail


def _is_usable(name: str) -> bool:
    return re.fullmatch(PATTERN, name) is not None


def _with_images(root: Path) -> list[str]:
    """The folders that are not hidden and have an images file, in order."""
    names = sorted(path.name for path in root.iterdir())
    return [name for name in names if not name.startswith(".") and find_file(root / name, images_file())]


def _similar(folder: Path, name: str) -> list[str]:
    """What `name` may be here, such as `train-images.idx3-ubyte`, `raw/train-images-idx3-ubyte` or one with `.GZ`."""
    core = _letters(name.removesuffix("-ubyte"))
    found = [path.relative_to(folder) for pattern in ("*", "*/*") for path in sorted(folder.glob(pattern))]
    shown = [path for path in found if not any(part.startswith(".") for part in path.parts)]
    similar = [path for path in shown if core in _letters(path.name) and _is_file(folder / path)]
    return [legible(str(path)) for path in similar]


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  Path.is_file raises where there is no access, up to Python 3.13


def _obstacle(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "it is a link to nothing"
    except OSError as error:
        return str(error.strerror)
    return "it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file"


def _some(names: list[str]) -> str:
    """The first of some names, as a list in a sentence."""
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
