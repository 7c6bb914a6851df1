"""Zips that no program would write: each field as a test wants it."""

import struct
import zlib
from dataclasses import dataclass

UNIX = 3


@dataclass(frozen=True)
class Forged:
    """A file of a zip. What is None is honest."""

    name: bytes
    data: bytes = b""
    size: int | None = None
    crc: int | None = None
    flags: int = 0
    mode: int = 0
    system: int = UNIX
    at: int | None = None  # the offset of its own header


def raw_zip(*files: Forged, copies: int = 1) -> bytes:
    """A zip of these files, the last of which the directory lists so many times."""
    body, entries = bytearray(), []
    for file in files:
        packer = zlib.compressobj(9, wbits=-15)
        packed = packer.compress(file.data) + packer.flush()
        size = len(file.data) if file.size is None else file.size
        crc = zlib.crc32(file.data) if file.crc is None else file.crc
        at = len(body) if file.at is None else file.at
        common = struct.pack("<HHHHHLLLHH", 20, file.flags, 8, 0, 33, crc, len(packed), size, len(file.name), 0)
        body += b"PK\x03\x04" + common + file.name + packed
        version = struct.pack("<BB", 20, file.system)
        rest = struct.pack("<HHHLL", 0, 0, 0, file.mode << 16, at)
        entries.append(b"PK\x01\x02" + version + common + rest + file.name)
    directory = b"".join(entries[:-1]) + entries[-1] * copies if entries else b""
    count = min(len(entries) - 1 + copies, 0xFFFF)
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body) + directory + end
