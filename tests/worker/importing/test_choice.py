"""Size, channels and background of a data set are chosen by what came."""

from pathlib import Path

import numpy as np
import pytest

from tests.worker.importing.assembling import made_of, many, noise, raw
from worker.importing import spool
from worker.importing.raw import RawImage

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


@pytest.mark.parametrize(
    ("sides", "fit", "chosen"),
    [
        ([(28, 28)], "pad", 28),
        ([(30, 30)], "pad", 28),
        ([(25, 25)], "pad", 24),
        ([(8, 8)], "pad", 16),
        ([(300, 200)], "pad", 64),
        ([(20, 40)], "pad", 40),
        ([(20, 40)], "crop", 20),
        ([(20, 45)], "stretch", 28),
        ([(32, 32), (64, 64), (20, 20)], "pad", 32),
    ],
)
def test_most_images_are_large_enough_for_the_size(
    tmp_path: Path, sides: list[tuple[int, int]], fit: str, chosen: int
) -> None:
    items = [raw(noise((*sides[k % len(sides)], 1), k), str(k)) for k in range(18)]
    assert made_of(tmp_path / "out", items, fit=fit).made.images.shape[1:] == (chosen, chosen, 1)


def test_a_size_can_be_asked_for(tmp_path: Path) -> None:
    outcome = made_of(tmp_path / "out", many(20, (16, 16, 1)), size=20)
    assert outcome.made.images.shape[1:] == (20, 20, 1)
    assert outcome.report.problems["upscaled"] == 20


def test_images_that_fill_the_disk_are_made_small_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [*many(10, (40, 40, 3)), *many(30, (64, 64, 3), seed=1)]
    monkeypatch.setattr(spool, "RAW_BYTES", 10 * 40 * 40 * 3)
    made = made_of(tmp_path / "out", items).made
    assert made.images.shape == (40, 40, 40, 3)  # the median of those that came first


def test_more_images_than_a_data_set_may_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.importing.assemble.MOST_CANONICAL_BYTES", 18 * 16 * 16)
    rejected = made_of(tmp_path / "out", many(20)).report.rejected
    assert rejected is not None
    assert rejected.startswith("20 images of 16x16, grey; allowed: 18")


def test_grey_images_stored_in_colour_get_one_channel_and_it_is_said(tmp_path: Path) -> None:
    items = [raw(np.repeat(noise((16, 16, 1), k), 3, axis=2), str(k)) for k in range(20)]
    outcome = made_of(tmp_path / "out", items)
    assert outcome.made.images.shape == (20, 16, 16, 1)
    assert "20 images are stored in colour but are grey" in outcome.report.notes[0]


def test_one_image_in_colour_makes_all_have_three_channels(tmp_path: Path) -> None:
    outcome = made_of(tmp_path / "out", [*many(20), raw(noise((16, 16, 3)), "colour")])
    assert outcome.made.images.shape == (21, 16, 16, 3)
    assert "1 of 21 images are in colour" in outcome.report.notes[0]


def test_colour_becomes_grey_when_asked_for(tmp_path: Path) -> None:
    items = many(20, (16, 16, 3))
    assert made_of(tmp_path / "out", items, channels=1).made.images.shape == (20, 16, 16, 1)


def drawn_in(colour: tuple[int, int, int], seed: int) -> np.ndarray:
    """A drawing of one colour whose alpha is the drawing."""
    pixels = np.empty((16, 16, 4), np.uint8)
    pixels[..., :3] = colour
    pixels[..., 3:] = noise((16, 16, 1), seed)
    return pixels


def drawings(*colours: tuple[int, int, int]) -> list[RawImage]:
    return [raw(drawn_in(colour, k), f"{colour}-{k}", mode="RGBA") for colour in colours for k in range(20)]


@pytest.mark.parametrize(
    ("colours", "background"),
    [((BLACK,), "ffffff"), ((WHITE,), "000000"), ((BLACK, WHITE), "808080"), (((200, 0, 0),), "ffffff")],
)
def test_the_background_is_one_that_drawings_can_be_seen_on(
    tmp_path: Path, colours: tuple[tuple[int, int, int], ...], background: str
) -> None:
    outcome = made_of(tmp_path / "out", drawings(*colours))
    assert len(outcome.made.images) == 20 * len(colours)
    assert any(f"They are laid on {background}" in note for note in outcome.report.notes)
    assert outcome.warning("blank-on-background") is None


def test_drawings_that_are_blank_on_the_background_asked_for_are_named_with_a_better_one(tmp_path: Path) -> None:
    outcome = made_of(tmp_path / "out", drawings(BLACK, WHITE), background="ffffff")
    warning = outcome.warning("blank-on-background")
    assert warning is not None
    assert warning.detail == "20 of 40 transparent images are blank on ffffff"
    assert warning.hint == "background=808080 leaves 0 blank."
    assert outcome.report.problems["blank"] == 20
    assert len(outcome.made.images) == 20


def test_a_coloured_background_makes_colour_images(tmp_path: Path) -> None:
    made = made_of(tmp_path / "out", drawings(BLACK), background="ff0000").made
    assert made.images.shape == (20, 16, 16, 3)
    assert made.images[..., 1:].max() == 0


def test_opaque_images_with_alpha_are_as_they_are_without(tmp_path: Path) -> None:
    plain = many(20, (16, 16, 3))
    with_alpha = [
        raw(np.concatenate([item.pixels, np.full((16, 16, 1), 255, np.uint8)], axis=2), item.file) for item in plain
    ]
    assert made_of(tmp_path / "1", plain).dataset_id == made_of(tmp_path / "2", with_alpha).dataset_id
