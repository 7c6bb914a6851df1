"""What the numbers of an array stand for: which is black, and which is white."""

from dataclasses import dataclass

import numpy as np

from worker.importing.depth import USED_BITS

SLACK = 1e-3  # by how much rounding may leave a range, as a share of it
WHITES = (1, 16, 255)  # what is white where black is 0: masks, 8x8 digits, bytes


@dataclass(frozen=True)
class Scale:
    """The values of black and white."""

    black: float
    white: float
    kind: np.dtype

    def in_8_bits(self, values: np.ndarray) -> np.ndarray:
        """Values to uint8, linearly."""
        if values.dtype == np.uint8 and (self.black, self.white) == (0, 255):
            return values
        share = (values.astype(np.float32) - self.black) / (self.white - self.black)
        scaled: np.ndarray = np.rint(share.clip(0, 1) * 255).astype(np.uint8)
        return scaled

    def __str__(self) -> str:
        """For the report: `uint8`, `float32 0..1`."""
        name = self.kind.newbyteorder("=").name
        return name if name == "uint8" and self.white == 255 else f"{name} {self.black:g}..{self.white:g}"

    @property
    def note(self) -> str | None:
        """What was guessed, as a sentence."""
        if str(self) == "uint8":
            return None
        name = self.kind.newbyteorder("=").name
        return f"The values are {name}: {self.black:g} was taken for black, {self.white:g} for white."


def scale_of(kind: np.dtype, low: float, high: float) -> Scale:
    """Guess what stands for black and white from the type of the values and the least and the largest of all."""
    if kind.kind == "b":
        return Scale(0, 1, kind)
    if low >= 0:
        white = next((white for white in WHITES if high <= white * (1 + SLACK)), None)
        if white is None and kind.kind in "iu" and high < 2 ** USED_BITS[-1]:
            white = next(2**bits - 1 for bits in USED_BITS if high < 2**bits)
        return Scale(0, white or high, kind)
    if low >= -1 - SLACK and high <= 1 + SLACK:
        return Scale(-1, 1, kind)
    if kind.kind == "i" and low >= -128 and high <= 127:
        return Scale(-128, 127, kind)
    return Scale(low, high if high > low else low + 1, kind)
