"""Pictures of a model whose images are neither 28 pixels a side nor grey."""

import asyncio
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.drawing.renderer import Renderer
from app.drawing.shared_counts import SharedCounts
from app.drawing.sources import PickSource, SeedSource, Source
from app.http.problems import ProblemError
from app.images.encode import encode
from app.images.formats import Format
from app.images.openai_schemas import OpenAIImagesRequest
from app.images.picture import Picture
from app.images.query import GridQuery
from app.images.rules import check
from core.image_shape import GREY_28, ImageShape
from models.folding import BATCH, FoldedGenerator
from models.judge import Judge
from models.picking import CANDIDATES, SURE
from models.sampling import draw
from models.shelf import Shelf
from tests.tiny import networks, one_thread, tiny_recipe
from worker.training.data import EMBEDDED

COLOUR_64 = ImageShape(side=64, channels=3)
MODEL = "0123456789abcdef"


@pytest.fixture(scope="module")
def model() -> FoldedGenerator:
    return FoldedGenerator.of(networks(tiny_recipe(), shape=COLOUR_64)[0].eval())


@pytest.fixture(scope="module")
def images(model: FoldedGenerator) -> np.ndarray:
    with one_thread():
        return draw(model, 7, 0, 4)


def encoded(images: np.ndarray, format_: Format, **asked: object) -> bytes:
    query = GridQuery.model_validate({"n": 4, "seed": 7, "format": format_, **asked})
    return encode(Picture.of(query, format_, MODEL, None, seed=0), images)


def opened(data: bytes) -> np.ndarray:
    image = Image.open(BytesIO(data))
    assert image.mode == "RGB"
    return np.asarray(image)


def rendered(folder: Path, *sources: Source) -> list[np.ndarray]:
    """What a renderer makes of them, together."""

    async def render() -> list[np.ndarray]:
        renderer = Renderer(Shelf(folder / "shelf"), EMBEDDED, EMBEDDED, max_bytes=1, waiting=SharedCounts())
        try:
            return [drawn.images for drawn in await asyncio.gather(*map(renderer.render, sources))]
        finally:
            renderer.close()

    return asyncio.run(render())


def test_they_are_rendered_in_the_shape_of_the_model(
    model: FoldedGenerator, images: np.ndarray, tmp_path: Path
) -> None:
    assert images.shape == (4, 64, 64, 3)
    assert np.array_equal(rendered(tmp_path, SeedSource(model, 4, 7))[0], images)


def test_a_model_that_takes_long_is_drawn_from_in_short_turns(tmp_path: Path) -> None:
    G = FoldedGenerator.of(networks(tiny_recipe(g_filters=64), shape=COLOUR_64)[0].eval())
    with one_thread():
        expected = draw(G, 7, 0, 21)
        sources = [SeedSource(G, 21, 7), SeedSource(G, 3, 7, start=2)]
        assert G.multiply_adds > 100_000_000
        assert sources[0].cost == BATCH // G.turn
        assert G.turn == 2 or 2 not in G.exact_sizes
        many, few = rendered(tmp_path, *sources)
    assert np.array_equal(many, expected)
    assert np.array_equal(few, expected[2:5])


def test_each_format_holds_them_in_colour(images: np.ndarray) -> None:
    grid = images.reshape(2, 2, 64, 64, 3).swapaxes(1, 2).reshape(128, 128, 3)
    assert np.array_equal(opened(encoded(images, "png", pad=0)), grid)
    assert np.array_equal(opened(encoded(images, "png", pad=0, invert=True)), 255 - grid)
    assert np.array_equal(opened(encoded(images, "webp", pad=0)), grid)
    archive = zipfile.ZipFile(BytesIO(encoded(images, "zip")))
    assert np.array_equal(np.stack([opened(archive.read(f"{k}.png")) for k in range(4)]), images)
    with np.load(BytesIO(encoded(images, "npz"))) as arrays:
        assert np.array_equal(arrays["images"], images)


def test_a_judge_picks_among_them_in_the_same_turns(tmp_path: Path) -> None:
    G = FoldedGenerator.of(networks(tiny_recipe(g_filters=256))[0].eval())
    torch.manual_seed(0)
    judge = Judge(3).eval().requires_grad_(False)
    with one_thread():
        (picked,) = rendered(tmp_path, PickSource(G, 1, 7, start=1, wanted=[2, 0], judge=judge))
        candidates = torch.from_numpy(draw(G, 7, CANDIDATES, CANDIDATES))
        answers = torch.cat([judge(batch)[1].softmax(1)[:, 0] for batch in torch.split(candidates, BATCH)])
    assert answers.max() < SURE
    assert np.array_equal(picked[0], candidates[answers.argmax()])


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"n": 64, "cols": 64, "scale": 6, "format": "webp"}, "format"),
        ({"n": 16, "interpolate": "3,9", "frames": 62}, "frames"),
    ],
)
def test_the_bounds_of_a_grid_follow_the_shape(asked: dict[str, object], fault: str) -> None:
    query = GridQuery.model_validate({"seed": None, **asked})
    picture = Picture.of(query, "webp", MODEL, None, seed=0)
    check(query, picture, GREY_28, 100)
    with pytest.raises(ProblemError) as refused:
        check(query, picture, COLOUR_64, 100)
    assert [error.parameter for error in refused.value.errors or []] == [fault]


def test_the_size_that_fits_follows_the_shape() -> None:
    for size, scale in (("auto", 1), ("32x99", 0), ("64x64", 1), ("200x150", 2), ("9999x9999", 8)):
        assert OpenAIImagesRequest(prompt="", size=size).scale(COLOUR_64.side) == scale
