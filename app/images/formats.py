"""Pictures and images as files: what they may be, and their encoders. The same input is the same bytes, at any time."""

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Literal

import numpy as np

from models.grid import to_image

Format = Literal["png", "webp", "gif", "zip", "json", "npz"]

# The media types that a format goes by; the first is what it is sent as. The order is that of preference.
MEDIA_TYPES: dict[Format, tuple[str, ...]] = {
    "png": ("image/png",),
    "webp": ("image/webp",),
    "gif": ("image/gif",),
    "zip": ("application/zip",),
    "json": ("application/json",),
    "npz": ("application/x-npz", "application/octet-stream"),
}
STILL: tuple[Format, ...] = ("png", "webp", "zip", "json", "npz")
MOVING: tuple[Format, ...] = ("webp", "gif")
GRIDS: tuple[Format, ...] = ("png", "webp", "gif")  # the others hold each image by itself

WEBP_SIDE = 16383  # pixels: no WebP is higher or wider
FRAME_MS = 80

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say
_UNIX, _READABLE = 3, 0o644 << 16


def to_webp(pixels: np.ndarray) -> bytes:
    """Encode uint8 [h, w, c] as a WebP without loss. Grey has three equal channels there, for WebP has no grey."""
    buffer = BytesIO()
    to_image(pixels).save(buffer, format="WEBP", lossless=True)
    return buffer.getvalue()


def to_animation(
    frames: Sequence[np.ndarray], kind: Literal["webp", "gif"], durations: Sequence[int] | None = None
) -> bytes:
    """Encode uint8 [h, w, c] frames, to be shown again and again, each for `FRAME_MS` or for its duration in ms.

    Without loss, but for a GIF in colour: each of its frames has a palette of its own, of 256 colours by median cut,
    and each pixel one of them. It is not dithered, because dots that move from frame to frame flicker. Of equal frames
    in a row there is one in the file, which is shown for as long as all of them.
    """
    first, *others = (to_image(frame) for frame in frames)
    options: dict[str, Any] = {"lossless": True} if kind == "webp" else {"optimize": False}
    buffer = BytesIO()
    shown_ms = FRAME_MS if durations is None else list(durations)
    first.save(buffer, kind, save_all=True, append_images=others, duration=shown_ms, loop=0, **options)
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
    """Images [n, h, w, c] as an array named `images`, for `numpy.load`. Grey ones have no axis for channels there."""
    buffer = BytesIO()
    array = images[..., 0] if images.shape[-1] == 1 else images
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return to_zip({"images.npy": buffer.getvalue()})
