"""Pictures and images as files: what they may be, and their encoders. The same input is the same bytes, at any time."""

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Literal

import numpy as np
from PIL import Image

Format = Literal["png", "webp", "zip", "json", "npz"]

# The media types that a format goes by; the first is what it is sent as. The order is that of preference.
MEDIA_TYPES: dict[Format, tuple[str, ...]] = {
    "png": ("image/png",),
    "webp": ("image/webp",),
    "zip": ("application/zip",),
    "json": ("application/json",),
    "npz": ("application/x-npz", "application/octet-stream"),
}
GRIDS: tuple[Format, ...] = ("png", "webp")  # the others hold each image by itself

WEBP_SIDE = 16383  # pixels: no WebP is higher or wider

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say
_UNIX, _READABLE = 3, 0o644 << 16


def to_webp(pixels: np.ndarray) -> bytes:
    """Encode uint8 [h, w] as a WebP without loss. It has three equal channels, for WebP has no grey."""
    buffer = BytesIO()
    Image.fromarray(pixels, mode="L").save(buffer, format="WEBP", lossless=True)
    return buffer.getvalue()


def to_zip(files: Mapping[str, bytes]) -> bytes:
    """Files by name in an archive that stores them as they are, all with the same time."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            archive.writestr(entry, data)
    return buffer.getvalue()


def to_npz(images: np.ndarray) -> bytes:
    """An array named `images`, for `numpy.load`."""
    buffer = BytesIO()
    np.lib.format.write_array(buffer, images, allow_pickle=False)
    return to_zip({"images.npy": buffer.getvalue()})
