"""Files of every kind that an importer reads, and damage done to them by a fixed rule."""

import gzip
import io
import struct
from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image

from tests.worker.importing.archives import encoded, tarred, zipped

IMAGES = 20
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)

rng = np.random.default_rng(0)
PIXELS = rng.integers(0, 256, (IMAGES, 16, 16), np.uint8)
LABELS = np.arange(IMAGES, dtype=np.uint8) % 4


def pictures(form: str, mode: str, **options: object) -> dict[str, bytes]:
    return {
        f"{k % 3}/{k}": encoded(Image.fromarray(pixels).convert(mode), form, **options)
        for k, pixels in enumerate(PIXELS)
    }


def saved(save: Callable[..., None], *arrays: np.ndarray, **named: np.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}L", *array.shape) + array.tobytes()


PNGS = pictures("PNG", "RGB")
EXIF = Image.Exif()
EXIF[0x0112] = 6
TABLE = "\n".join(
    ",".join(map(str, [label, *image.ravel()])) for label, image in zip(LABELS, PIXELS, strict=True)
).encode()

PICTURES: dict[str, dict[str, bytes]] = {
    "PNG": PNGS,
    "palette": pictures("PNG", "P"),
    "16 bits": {str(k): encoded(Image.fromarray(image.astype(np.uint16) * 9), "PNG") for k, image in enumerate(PIXELS)},
    "JPEG": pictures("JPEG", "RGB", exif=EXIF),
    "progressive": pictures("JPEG", "L", progressive=True),
    "WebP": pictures("WEBP", "RGBA", lossless=True, exif=EXIF),
    "GIF": pictures("GIF", "P", transparency=3),
    "BMP": pictures("BMP", "RGB"),
}
FILES: dict[str, bytes] = {
    "zip": zipped(PNGS),
    "stored zip": zipped(PNGS, 0),
    "tar": tarred(PNGS),
    "tar.gz": tarred(PNGS, "gz"),
    "tar.xz": tarred(PNGS, "xz"),
    "tar.bz2": tarred(PNGS, "bz2"),
    "idx": idx(PIXELS),
    "idx.gz": gzip.compress(idx(PIXELS)),
    "idx in a zip": zipped({"train-images": idx(PIXELS), "train-labels": idx(LABELS)}, 0),
    "npy": saved(np.save, PIXELS),
    "npz": saved(np.savez, train_images=PIXELS, train_labels=LABELS),
    "packed npz": saved(np.savez_compressed, train_images=PIXELS, train_labels=LABELS),
    "csv": TABLE,
    "csv.gz": gzip.compress(TABLE),
}


def mutated(case: int) -> tuple[str, bytes]:
    """The file of a case, and of what it was made. The same case is always the same file."""
    random = Random(case)
    kind = random.choice([*PICTURES, *FILES])
    if kind in FILES:
        return kind, damaged(FILES[kind], random)
    share = random.choice((0.1, 1.0))  # a few bad files are dropped, many are a reason to reject all
    files = {name: damaged(data, random) if random.random() < share else data for name, data in PICTURES[kind].items()}
    return kind, zipped(files, 0)


def damaged(data: bytes, random: Random) -> bytes:
    """Some bytes changed, cut off, doubled, moved, or numbers set to what programs get wrong."""
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at = random.randrange(len(data)) if data else 0
        end = at + random.choice((1, 2, 4, 8, 64, 1024))
        match random.randrange(7):
            case 0:
                data = data[:at] + random.randbytes(end - at) + data[end:]
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:end] + data[at:]
            case 3:
                data = data[:at]
            case 4:
                other = random.randrange(len(data) + 1)
                data = data[:other] + data[at:end] + data[other:]
            case 5:
                data = data[:at] + bytes(end - at) + data[end:]
            case _:
                size, order = random.choice((1, 2, 4, 8)), random.choice(("little", "big"))
                number = random.choice(INTERESTING) % 2 ** (8 * size)
                data = data[:at] + number.to_bytes(size, order) + data[at + size :]
    return data
