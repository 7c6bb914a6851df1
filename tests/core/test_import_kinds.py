import gzip
import io
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.import_kinds import ARCHIVES, HEAD_BYTES, HINTS, PACKED, PICTURES, WORDS, Kind, sniff


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(file, kind)
    return file.getvalue()


def a_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"a")
    return file.getvalue()


def a_tar(form: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return file.getvalue()


def an_npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


SAMPLES: list[tuple[bytes, Kind]] = [
    *[(picture(kind.value), kind) for kind in sorted(PICTURES)],
    (a_zip(), Kind.ZIP),
    (a_tar(tarfile.USTAR_FORMAT), Kind.TAR),
    (a_tar(tarfile.GNU_FORMAT), Kind.TAR),
    (a_tar(tarfile.USTAR_FORMAT)[:257] + bytes(8) + a_tar(tarfile.USTAR_FORMAT)[265:], Kind.UNKNOWN),  # its sum is off
    (gzip.compress(b"a"), Kind.GZIP),
    (an_npy(), Kind.NPY),
    (b"\0\0\x08\x03" + bytes(12), Kind.IDX),
    (b"\0\0\x0c\x02" + bytes(12), Kind.IDX),
    (pickle.dumps({"data": [1]}, 2), Kind.PICKLE),
    (pickle.dumps({"data": [1]}, 4), Kind.PICKLE),
    (pickle.dumps({"data": [1]}, 0), Kind.PICKLE),
    (b"\x89HDF\r\n\x1a\n" + bytes(9), Kind.HDF5),
    (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", Kind.MATLAB),
    (b"II*\0" + bytes(9), Kind.TIFF),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n", Kind.POSTSCRIPT),
    (b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="http://www.w3.org/2000/svg">', Kind.SVG),
    (b"<?xml version='1.0'?><a/>", Kind.XML),
    (b"SIMPLE  =                    T", Kind.FITS),
    (b"8BPS\0\x01", Kind.PSD),
    (b"Rar!\x1a\x07\x01\0", Kind.RAR),
    (b"7z\xbc\xaf\x27\x1c\0\x04", Kind.SEVEN_ZIP),
    (b"\0\0\0\x1cftypavif", Kind.AVIF),
    (b"\0\0\0\x18ftypheic", Kind.HEIC),
    (b"\0\0\0\x20ftypisom", Kind.VIDEO),
    (bytes(128) + b"DICM", Kind.DICOM),
    (b"\xef\xbb\xbf\n <!DOCTYPE html><title>404", Kind.HTML),
    (b"<html lang=en>", Kind.HTML),
    (b'{"a": 1}', Kind.JSON),
    (b"label,pixel0,pixel1\n5,0,255\n", Kind.TEXT),
    (b"BMW,1,2,3\n" + b"x" * 40, Kind.TEXT),
    ("a,ä\n".encode("utf-16"), Kind.TEXT),
    (("x" * (HEAD_BYTES - 1) + "ä").encode()[:HEAD_BYTES], Kind.TEXT),  # the head ends within a letter
    ("Grün".encode("latin-1"), Kind.UNKNOWN),
    (b"", Kind.EMPTY),
    (b"\x01\x02\x03\x04", Kind.UNKNOWN),
]


@pytest.mark.parametrize(("data", "kind"), SAMPLES, ids=lambda value: value.name if isinstance(value, Kind) else "")
def test_a_file_is_known_by_its_first_bytes(data: bytes, kind: Kind) -> None:
    assert sniff(data[:HEAD_BYTES]) == kind


def test_a_tar_from_before_posix_is_known_by_its_checksum() -> None:
    header = bytearray(a_tar(tarfile.USTAR_FORMAT)[:HEAD_BYTES])
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert sniff(bytes(header)) == Kind.TAR


def test_what_is_never_opened_comes_with_what_would_do() -> None:
    read = PICTURES | PACKED | WORDS | {Kind.ZIP, Kind.TAR, Kind.IDX, Kind.NPY, Kind.EMPTY, Kind.UNKNOWN}
    assert set(HINTS) == set(Kind) - read
    assert {Kind.RAR, Kind.SEVEN_ZIP} == ARCHIVES - read
