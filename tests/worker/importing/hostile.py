"""Archives that mean harm, and what an importer says of each.

Each is honest in 20 pictures beside the one that is not, unless the whole of it is a trap.
"""

import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from core.import_vocabulary import ProblemCode
from tests.worker.importing.archives import encoded, png, zipped
from tests.worker.importing.raw_zip import Forged, raw_zip

LINK = 0o120777
ENCRYPTED = 1
MIB = 2**20

GOOD = {f"{k}.png": png(k) for k in range(20)}


@dataclass(frozen=True)
class Trap:
    """An archive, and what keeps it out: the code of its one bad file, or words of why all of it is rejected."""

    build: Callable[[], bytes]
    says: ProblemCode | str


def in_a_zip(**forged: Any) -> Callable[[], bytes]:
    """The good pictures, and one that is forged."""
    bad = Forged(**{"data": png(99), **forged})
    return lambda: raw_zip(*(Forged(name.encode(), data) for name, data in GOOD.items()), bad)


def picture(data: bytes) -> Callable[[], bytes]:
    """The good pictures, and one with these bytes."""
    return lambda: zipped({**GOOD, "bad.png": data})


def in_a_tar(*members: tarfile.TarInfo, pack: Callable[[bytes], bytes] = bytes) -> Callable[[], bytes]:
    """The good pictures, and members without content."""

    def build() -> bytes:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as archive:
            for name, data in GOOD.items():
                archive.addfile(member(name, size=len(data)), io.BytesIO(data))
            for one in members:
                archive.addfile(one)
        return pack(file.getvalue())

    return build


def member(name: str, **fields: Any) -> tarfile.TarInfo:
    about = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(about, field, value)
    return about


def png_of(*chunks: tuple[bytes, bytes]) -> bytes:
    made = [
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def header_of_png(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0)


def png_with_endless_text() -> bytes:
    text = b"Comment\0\0" + zlib.compress(bytes(100 * MIB), 9)
    return png_of(header_of_png(1, 1), (b"zTXt", text), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b""))


def webp_of(width: int, height: int) -> bytes:
    data = encoded(Image.new("RGBA", (4, 4), (1, 2, 3, 4)), "WEBP", lossless=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
    return data[:24] + struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3] + data[30:]


def gif_of(width: int, height: int) -> bytes:
    data = encoded(Image.new("L", (4, 4)), "GIF")
    at = data.index(b",")  # the descriptor of the first frame
    return data[: at + 5] + struct.pack("<HH", width, height) + data[at + 9 :]


class Harm:
    """What a pickle would do."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('a pickle was opened')",)


def tar_header(size: bytes, kind: bytes = b"0") -> bytes:
    header = bytearray(member("a.png").tobuf(tarfile.USTAR_FORMAT))
    header[124:136], header[156:157] = size, kind
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def xz_with_a_huge_dictionary() -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**20}]
    data = bytearray(lzma.compress(in_a_tar()(), filters=filters))
    header_size = (data[12] + 1) * 4
    at = data.index(b"\x21\x01", 12) + 2  # LZMA2, one byte of properties
    data[at] = 39  # 3 GiB
    end = 12 + header_size - 4
    data[end : end + 4] = struct.pack("<L", zlib.crc32(bytes(data[12:end])))
    return bytes(data)


BOMB = bytes(300 * MIB)

TRAPS: dict[str, Trap] = {
    "traversal in a zip": Trap(in_a_zip(name=b"../../outside/evil.png"), ProblemCode.UNSAFE_NAME),
    "traversal in the middle": Trap(in_a_zip(name=b"cat/../../outside/evil.png"), ProblemCode.UNSAFE_NAME),
    "traversal by backslashes": Trap(in_a_zip(name=rb"..\..\evil.png", system=0), ProblemCode.UNSAFE_NAME),
    "traversal in a tar": Trap(in_a_tar(member("../outside/evil.png")), ProblemCode.UNSAFE_NAME),
    "absolute in a zip": Trap(in_a_zip(name=b"/tmp/outside/evil.png"), ProblemCode.UNSAFE_NAME),
    "absolute in a tar": Trap(in_a_tar(member("/tmp/outside/evil.png")), ProblemCode.UNSAFE_NAME),
    "a drive": Trap(in_a_zip(name=rb"C:\evil.png", system=0), ProblemCode.UNSAFE_NAME),
    "control characters": Trap(in_a_zip(name=b"evil\x1b[2J\n.png"), ProblemCode.UNSAFE_NAME),
    "a NUL": Trap(in_a_zip(name=b"evil.png\0.txt"), ProblemCode.UNSAFE_NAME),
    "an endless name": Trap(in_a_zip(name=b"x" * 60_000), ProblemCode.UNSAFE_NAME),
    "a link in a zip": Trap(in_a_zip(name=b"link.png", data=b"/etc/passwd", mode=LINK), ProblemCode.LINK),
    "a link in a tar": Trap(in_a_tar(member("a", type=b"2", linkname="/etc")), ProblemCode.LINK),
    "a hard link": Trap(in_a_tar(member("a.png", type=b"1", linkname="/etc/passwd")), ProblemCode.LINK),
    "a device": Trap(in_a_tar(member("zero.png", type=b"3", devmajor=1, devminor=5)), ProblemCode.NOT_AN_IMAGE),
    "a forged size": Trap(in_a_zip(name=b"bad.png", data=png() + bytes(5 * MIB), size=9), ProblemCode.TOO_LARGE),
    "a forged checksum": Trap(in_a_zip(name=b"bad.png", crc=1), ProblemCode.TRUNCATED),
    "a forged offset": Trap(in_a_zip(name=b"bad.png", at=2**31), ProblemCode.TRUNCATED),
    "an encrypted file": Trap(in_a_zip(name=b"bad.png", flags=ENCRYPTED), ProblemCode.ENCRYPTED),
    "a bomb in a zip": Trap(lambda: raw_zip(Forged(b"a", BOMB), copies=9), "no image in this zip"),
    "pictures that share their bytes": Trap(
        lambda: raw_zip(Forged(b"a.png", png() + bytes(4 * MIB)), copies=2000), "as bombs do; allowed: 100 bytes"
    ),
    "a bomb in a tar": Trap(
        lambda: gzip.compress(tar_header(b"%011o\0" % len(BOMB)) + BOMB), "as bombs do; allowed: 100 bytes"
    ),
    "too many files": Trap(lambda: raw_zip(Forged(b"a.png", png()), copies=200_001), "allowed: 200,000"),
    "archives in an archive": Trap(picture(zipped({"a": zipped({"b": bytes(MIB)})})), ProblemCode.UNSUPPORTED_FORMAT),
    "a directory elsewhere": Trap(
        lambda: in_a_zip(name=b"a.png")()[:-22] + struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 9, 9, 46, 2**32 - 9, 0),
        "its directory cannot be read",
    ),
    "a tar of a forged size": Trap(lambda: tar_header(b"\x80" + b"\x7f" * 11) + bytes(512), "the tar ends too early"),
    "a tar of an endless header": Trap(lambda: tar_header(b"77777777777\0", b"x") + bytes(512), "the tar is damaged"),
    "xz that wants all memory": Trap(xz_with_a_huge_dictionary, "Memory usage limit"),
    "a PNG of 400 million pixels": Trap(
        picture(png_of(header_of_png(20_000, 20_000), (b"IDAT", zlib.compress(bytes(MIB))), (b"IEND", b""))),
        ProblemCode.TOO_LARGE,
    ),
    "a PNG of endless text": Trap(picture(png_with_endless_text()), ProblemCode.TRUNCATED),
    "a WebP of a forged canvas": Trap(picture(webp_of(16_383, 16_383)), ProblemCode.TOO_LARGE),
    "a GIF whose frame is larger": Trap(picture(gif_of(60_000, 60_000)), ProblemCode.TOO_LARGE),
    "a JPEG of endless scans": Trap(
        picture(encoded(Image.new("L", (16, 16)), "JPEG")[:-2] + b"\xff\xda" * 999), ProblemCode.TOO_LARGE
    ),
    "a pickle": Trap(picture(pickle.dumps(Harm())), ProblemCode.UNSUPPORTED_FORMAT),
    "PostScript": Trap(picture(b"%!PS-Adobe-3.0 EPSF-3.0\n(evil) run"), ProblemCode.UNSUPPORTED_FORMAT),
    "an SVG that fetches": Trap(
        picture(b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
        ProblemCode.UNSUPPORTED_FORMAT,
    ),
    "a page in the place of a file": Trap(lambda: b"<!DOCTYPE html><script>evil()</script>", "this is an HTML page"),
    "a pickle alone": Trap(lambda: pickle.dumps(Harm()), "a pickle runs code"),
}
