"""What the images of a data set are to be like, where the options leave it open: chosen by all that came."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from core.image_shape import ImageShape
from core.import_options import LARGEST_SIDE, SMALLEST_SIDE, Fit, ImportOptions
from worker.importing.pixels import BLACK, GREY, WHITE, is_blank, is_grey, on_background, planes
from worker.importing.spool import Spool

LARGEST_CHOSEN = 64  # pixels; larger images train for hours and are made when asked for
FEW_BLANK = 0.01  # of the transparent images; white is kept while no more are blank on it
SIDES = [side for side in range(SMALLEST_SIDE, LARGEST_SIDE + 1) if ImageShape.has_base(side)]


@dataclass(frozen=True)
class Choice:
    """How the images are made."""

    shape: ImageShape
    background: tuple[int, int, int] | None  # of transparent images; None where there are none
    transparent: int  # how many images are
    blank_on: dict[tuple[int, int, int], int] = field(default_factory=dict)  # how many of them, by background
    notes: list[str] = field(default_factory=list)


def squares(spool: Spool, fit: Fit) -> np.ndarray:
    """The side in pixels of the square that each image becomes, before it is resized."""
    widths, heights = (np.array(sides, np.int64) for sides in (spool.widths, spool.heights))
    sides: np.ndarray
    match fit:
        case "pad":
            sides = np.maximum(widths, heights)
        case "crop":
            sides = np.minimum(widths, heights)
        case "stretch":
            sides = np.sqrt(widths * heights).round().astype(np.int64)
    return sides


def choose_side(spool: Spool, options: ImportOptions, made_for: ImageShape | None) -> int:
    """The side that was asked for, or that the images were made for, or the largest that most are large enough for."""
    if options.size is not None:
        return options.size
    if made_for is not None:
        return made_for.side
    median = int(np.median(squares(spool, options.fit)))
    return max([side for side in SIDES if side <= min(median, LARGEST_CHOSEN)], default=SMALLEST_SIDE)


def choose(spool: Spool, options: ImportOptions, made_for: ImageShape | None) -> Choice:
    """Look at all images and choose channels and background."""
    side = spool.settle()
    candidates = [WHITE, BLACK, GREY]
    asked = None if options.background is None else _colour(options.background)
    if asked is not None and asked not in candidates:
        candidates.append(asked)
    coloured, transparent, blank_on = 0, 0, Counter[tuple[int, int, int]]()
    for _, pixels in spool.chunks():
        channels = pixels.shape[-1]
        if channels >= 3:
            coloured += int((~is_grey(pixels)).sum())
        if channels in (2, 4):
            see_through = pixels[planes(pixels)[-1].min(axis=1) < 255]
            transparent += len(see_through)
            for colour in candidates:
                blank_on[colour] += int(is_blank(on_background(see_through, colour)).sum())
    background = None
    if transparent:
        background = asked if asked is not None else _background(candidates, blank_on, transparent)
    tinted = background is not None and len(set(background)) > 1
    channels = options.channels or (made_for.channels if made_for else 3 if coloured or tinted else 1)
    shape = ImageShape.model_validate({"side": side, "channels": channels})
    notes = _notes(spool, options, made_for, shape, coloured)
    if background is not None and asked is None:
        blank = ", ".join(f"{blank_on[colour]} on {as_hex(colour)}" for colour in candidates)
        notes.append(
            f"{transparent} images are transparent. They are laid on {as_hex(background)}; `background` chooses "
            f"another. So many are blank: {blank}."
        )
    return Choice(shape, background, transparent, dict(blank_on), notes)


def as_hex(colour: tuple[int, int, int]) -> str:
    """A colour as the option `background` has it."""
    return bytes(colour).hex()


def _colour(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


def _background(
    candidates: list[tuple[int, int, int]], blank_on: Counter[tuple[int, int, int]], transparent: int
) -> tuple[int, int, int]:
    few = [colour for colour in candidates if blank_on[colour] <= FEW_BLANK * transparent]
    return few[0] if few else min(candidates, key=lambda colour: blank_on[colour])


def _notes(
    spool: Spool, options: ImportOptions, made_for: ImageShape | None, shape: ImageShape, coloured: int
) -> list[str]:
    notes = []
    if options.size is None and made_for is None:
        median = int(np.median(squares(spool, options.fit)))
        if median != shape.side:
            notes.append(
                f"The images became {shape.side}x{shape.side}: half of them have {median} pixels or more a side. "
                f"`size` chooses another of {', '.join(map(str, SIDES))}."
            )
    stored_in_colour = sum(channels >= 3 for channels in spool.channels)
    if stored_in_colour and shape.channels == 1 and options.channels is None:
        notes.append(
            f"{stored_in_colour} images are stored in colour but are grey all over: they have one channel now."
        )
    if shape.channels == 3 and options.channels is None and made_for is None and coloured < len(spool):
        notes.append(f"{coloured} of {len(spool)} images are in colour, so that all have three channels.")
    return notes
