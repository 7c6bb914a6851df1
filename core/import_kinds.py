"""What bytes are, by what they begin with. A file's name is never asked."""

import re
from enum import StrEnum

HEAD_BYTES = 512  # as many as `sniff` looks at


class Kind(StrEnum):
    """What a file may be, in the words of a report."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WebP"
    BMP = "BMP"
    GIF = "GIF"
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    IDX = "IDX"
    NPY = "npy"
    TEXT = "text"
    PICKLE = "pickle"
    HDF5 = "HDF5"
    MATLAB = "MATLAB"
    PARQUET = "Parquet"
    TIFF = "TIFF"
    POSTSCRIPT = "PostScript"
    SVG = "SVG"
    FITS = "FITS"
    PSD = "Photoshop"
    PDF = "PDF"
    DICOM = "DICOM"
    NIFTI = "NIfTI"
    AVIF = "AVIF"
    HEIC = "HEIC"
    JPEG_2000 = "JPEG 2000"
    JPEG_XL = "JPEG XL"
    VIDEO = "video"
    RAR = "RAR"
    SEVEN_ZIP = "7z"
    ZSTANDARD = "Zstandard"
    HTML = "HTML"
    XML = "XML"
    JSON = "JSON"
    EMPTY = "empty"
    UNKNOWN = "unknown"


PICTURES = frozenset({Kind.PNG, Kind.JPEG, Kind.WEBP, Kind.BMP, Kind.GIF})
PACKED = frozenset({Kind.GZIP, Kind.BZIP2, Kind.XZ})  # one file, packed
ARCHIVES = frozenset({Kind.ZIP, Kind.TAR, Kind.RAR, Kind.SEVEN_ZIP})  # of many files, those that are read among them
WORDS = frozenset({Kind.TEXT, Kind.XML, Kind.JSON})  # text for people and programs

_AS_PNG = "save each image as PNG"
_AS_NPZ = "save its arrays with numpy.savez_compressed"
_AS_ZIP = "pack the files as a zip or a tar"

# What would do instead, for what is never opened.
HINTS: dict[Kind, str] = {
    Kind.PICKLE: f"a pickle runs code when it is opened; {_AS_NPZ}, or for CIFAR send the binary version",
    Kind.HDF5: f"HDF5 is not read; {_AS_NPZ}",
    Kind.MATLAB: f"MATLAB files are not read; {_AS_NPZ}",
    Kind.PARQUET: f"Parquet is not read; {_AS_PNG}, in a folder for each class, and zip the folders",
    Kind.TIFF: f"TIFF is not read; {_AS_PNG}",
    Kind.POSTSCRIPT: f"PostScript is a program, not an image; {_AS_PNG}",
    Kind.SVG: f"SVG is a drawing without pixels; {_AS_PNG}",
    Kind.FITS: f"FITS is not read; {_AS_PNG}, or {_AS_NPZ}",
    Kind.PSD: f"Photoshop files are not read; {_AS_PNG}",
    Kind.PDF: f"PDF is a document; {_AS_PNG}",
    Kind.DICOM: f"DICOM is not read; {_AS_PNG}",
    Kind.NIFTI: f"NIfTI is not read; {_AS_NPZ}",
    Kind.AVIF: f"AVIF is not read; {_AS_PNG}",
    Kind.HEIC: f"HEIC is not read; {_AS_PNG}",
    Kind.JPEG_2000: f"JPEG 2000 is not read; {_AS_PNG}",
    Kind.JPEG_XL: f"JPEG XL is not read; {_AS_PNG}",
    Kind.VIDEO: f"videos are not read; {_AS_PNG}",
    Kind.RAR: f"RAR is not read; {_AS_ZIP}",
    Kind.SEVEN_ZIP: f"7z is not read; {_AS_ZIP}",
    Kind.ZSTANDARD: f"Zstandard is not read; {_AS_ZIP}",
    Kind.HTML: "this is an HTML page, such as the error page of a download; fetch the file again",
}

_MAGIC: list[tuple[int, bytes, Kind]] = [  # offset, bytes
    (0, b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (0, b"\xff\xd8\xff", Kind.JPEG),
    (0, b"GIF87a", Kind.GIF),
    (0, b"GIF89a", Kind.GIF),
    (0, b"PK\x03\x04", Kind.ZIP),
    (0, b"PK\x05\x06", Kind.ZIP),  # with nothing in it
    (0, b"\x1f\x8b", Kind.GZIP),
    (0, b"BZh", Kind.BZIP2),
    (0, b"\xfd7zXZ\x00", Kind.XZ),
    (0, b"\x93NUMPY", Kind.NPY),
    (0, b"\x89HDF\r\n\x1a\n", Kind.HDF5),
    (0, b"MATLAB 5.0 MAT-file", Kind.MATLAB),
    (0, b"PAR1", Kind.PARQUET),
    (0, b"II*\x00", Kind.TIFF),
    (0, b"MM\x00*", Kind.TIFF),
    (0, b"II+\x00", Kind.TIFF),
    (0, b"MM\x00+", Kind.TIFF),
    (0, b"%!PS", Kind.POSTSCRIPT),
    (0, b"\xc5\xd0\xd3\xc6", Kind.POSTSCRIPT),
    (0, b"SIMPLE  =", Kind.FITS),
    (0, b"8BPS", Kind.PSD),
    (0, b"%PDF-", Kind.PDF),
    (128, b"DICM", Kind.DICOM),
    (344, b"n+1\x00", Kind.NIFTI),
    (0, b"\x00\x00\x00\x0cjP  ", Kind.JPEG_2000),
    (0, b"\xff\x4f\xff\x51", Kind.JPEG_2000),
    (0, b"\x00\x00\x00\x0cJXL ", Kind.JPEG_XL),
    (0, b"\xff\x0a", Kind.JPEG_XL),
    (0, b"Rar!\x1a\x07", Kind.RAR),
    (0, b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (0, b"\x28\xb5\x2f\xfd", Kind.ZSTANDARD),
    (257, b"ustar", Kind.TAR),
]
_PATTERNS: list[tuple[re.Pattern[bytes], Kind]] = [
    (re.compile(rb"RIFF....WEBP", re.DOTALL), Kind.WEBP),
    (re.compile(rb"RIFF|.{4}moov|\x1aE\xdf\xa3", re.DOTALL), Kind.VIDEO),
    (re.compile(rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}", re.DOTALL), Kind.BMP),
    (re.compile(rb"\0\0[\x08\x09\x0b-\x0e][\x01-\x04]", re.DOTALL), Kind.IDX),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), Kind.AVIF),
    (re.compile(rb"....ftyp(hei|hev|mif|msf)", re.DOTALL), Kind.HEIC),
    (re.compile(rb"....ftyp", re.DOTALL), Kind.VIDEO),
    (re.compile(rb"\x80[\x02-\x05]|\(?[dl]p\d+\n|c[a-z_]+\n[a-z_]+\n", re.DOTALL), Kind.PICKLE),
]
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def sniff(head: bytes) -> Kind:
    """What a file is, by its first `HEAD_BYTES` bytes, or all of them where it has fewer."""
    if not head:
        return Kind.EMPTY
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    for pattern, kind in _PATTERNS:
        if pattern.match(head):
            return kind
    if _is_old_tar(head):
        return Kind.TAR
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> Kind:
    try:
        text = head.decode("utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8")
    except UnicodeDecodeError as error:
        if len(head) < HEAD_BYTES or error.start < HEAD_BYTES - 4:  # not a letter that the end of the head cuts
            return Kind.UNKNOWN
        text = head[: error.start].decode(error.encoding)
    text = text.lstrip("\ufeff \t\r\n").lower()
    if _CONTROL.search(text):
        return Kind.UNKNOWN
    if text.startswith(("<!doctype html", "<html", "<head", "<body")):
        return Kind.HTML
    if text.startswith("<"):
        return Kind.SVG if "<svg" in text or "<!doctype svg" in text else Kind.XML
    return Kind.JSON if text.startswith(("{", "[")) else Kind.TEXT


def _is_old_tar(head: bytes) -> bool:
    """Whether this is the header of a tar from before POSIX: it has no magic number, but a checksum."""
    if len(head) < HEAD_BYTES or not re.fullmatch(rb" *[0-7]+[ \0]*", head[148:156]):
        return False
    return int(head[148:156].strip(b" \0"), 8) == sum(head[:148]) + 8 * ord(" ") + sum(head[156:512])
