"""IDX files: a magic number that tells type and rank, the sizes as big-endian integers, the bytes (LeCun's format).

A folder may hold `digests.json`, which its files must match: file name -> SHA-256. The entry `NAME` is the digest of
the unpacked bytes, the entry `NAME.gz` that of the packed file.
"""

import gzip
import json
import os
import re
import zlib
from hashlib import sha256
from math import prod
from pathlib import Path

import numpy as np

from core.datasets import FILES, find_file, why_no_file
from core.errors import DatasetDamaged

DIGESTS = "digests.json"
UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"


def read_idx(folder: Path, name: str, rank: int) -> np.ndarray:
    """Read `name` or `name.gz`: uint8 of `rank` dimensions. Raises DatasetDamaged.

    The content says whether a file is packed: browsers and archivers unpack files without renaming them.
    """
    path = find_file(folder, name)
    if path is None:
        raise DatasetDamaged(why_no_file(folder, name))
    try:
        packed = path.read_bytes()
        data = _unpacked(path, packed)
        _check_digests(folder, name, path, packed, data)
    except MemoryError as error:
        raise DatasetDamaged(f"{path}: does not fit into memory") from error
    except OSError as error:
        raise DatasetDamaged(f"{path}: cannot be read: {error.strerror}") from error
    header = 4 + 4 * rank
    magic = bytes([0, 0, UNSIGNED_BYTE, rank])
    if data[:4] != magic:
        raise DatasetDamaged(f"{path}: magic number is 0x{data[:4].hex()}; expected 0x{magic.hex()}")
    if len(data) < header:
        raise DatasetDamaged(f"{path}: ends within its header, after {len(data)} bytes")
    shape = tuple(np.frombuffer(data, ">u4", count=rank, offset=4).tolist())
    if len(data) != header + prod(shape):
        raise DatasetDamaged(
            f"{path}: holds {len(data) - header} bytes of data; its header {shape} needs {prod(shape)}"
        )
    if not prod(shape):
        raise DatasetDamaged(f"{path}: holds no data; its header says {shape}")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _unpacked(path: Path, data: bytes) -> bytes:
    if not data.startswith(GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetDamaged(f"{path}: cannot be unpacked: {error}") from error


def _check_digests(folder: Path, name: str, path: Path, packed: bytes, data: bytes) -> None:
    """Hold a file against what `digests.json` says of it."""
    digests = _read_digests(folder)
    for entry, content in ((name, data), (f"{name}.gz", packed)):
        if entry in digests:
            found = sha256(content).hexdigest()
            if found != digests[entry]:
                raise DatasetDamaged(f"{path}: its SHA-256 is {found}; {DIGESTS} says {digests[entry]} of {entry}")


def _read_digests(folder: Path) -> dict[str, str]:
    """The digests, in lower case. Raises DatasetDamaged for an entry of a file that is not read, and so not checked."""
    path = folder / DIGESTS
    if not os.path.lexists(path):
        return {}
    try:
        digests = json.loads(path.read_bytes())  # bytes: it knows UTF-16 and byte order marks
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetDamaged(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(digests, dict):
        raise DatasetDamaged(f"{path}: not a JSON object of file names and digests")
    for entry, digest in digests.items():
        name = entry.removesuffix(".gz")
        read = find_file(folder, name) if name in FILES else None
        if read is None or entry not in (name, read.name):
            there = [file.name for file in (find_file(folder, name) for name in FILES) if file is not None]
            raise DatasetDamaged(f"{path}: names {entry!r}, which is no file that is read; allowed: {', '.join(there)}")
        if not (isinstance(digest, str) and re.fullmatch("[0-9A-Fa-f]{64}", digest)):
            raise DatasetDamaged(f"{path}: {entry} has {digest!r}; allowed: its SHA-256, 64 hexadecimal digits")
    return {entry: digest.lower() for entry, digest in digests.items()}
