"""Grey images of 16 bits, of which cameras and scanners often use fewer."""

import numpy as np

from core.import_kinds import Kind

USED_BITS = (8, 10, 12, 14, 16)


class Depth:
    """How many bits the 16-bit grey images of a source use: as few as hold the brightest pixel of them all.

    One rule for the whole source keeps their brightness comparable.
    """

    def __init__(self) -> None:
        self._most = 0

    @property
    def bits(self) -> int:
        """8, 10, 12, 14 or 16."""
        return next(bits for bits in USED_BITS if self._most < 2**bits)

    def look(self, pixels: np.ndarray) -> None:
        """Take an image into account: uint16, of any shape."""
        self._most = max(self._most, int(pixels.max(initial=0)))

    def in_8_bits(self, pixels: np.ndarray) -> np.ndarray:
        """uint16 -> uint8, the largest number of `bits` bits as 255."""
        most = 2**self.bits - 1
        scaled = (np.minimum(pixels, most).astype(np.uint32) * 255 + most // 2) // most
        made: np.ndarray = scaled.astype(np.uint8)
        return made


def is_16_bit_grey(head: bytes, kind: Kind) -> bool:
    """Whether a picture is a PNG of that kind, by its first 26 bytes."""
    return kind == Kind.PNG and head[12:16] == b"IHDR" and head[24:26] == b"\x10\x00"
