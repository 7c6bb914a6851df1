"""/datasets/{dataset}/...: the images of a data set as PNGs. Decoding is for imports: none is here."""

from hashlib import sha256
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query, Response

from app.datasets.finding import ArraysDep, class_number
from app.http.dependencies import UNCHANGED, IfNoneMatch
from app.http.negotiation import is_known
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from core.card import ID_LENGTH
from core.dataset_arrays import DatasetArrays
from core.recipe import MAX_SEED, Augment
from models.augment import augmented
from models.grid import square_columns, tile, to_png

router = APIRouter(
    prefix="/datasets", tags=["datasets"], responses=documented(404, 410, 422, 503), route_class=StrictRoute
)

PNG = {200: {"content": {"image/png": {}}}, **UNCHANGED}
PAD = 2  # pixels


@router.get("/{dataset}/preview.png", response_class=Response, responses=PNG)
def get_preview(
    arrays: ArraysDep,
    if_none_match: IfNoneMatch,
    n: Annotated[int, Query(ge=1, le=256, description="How many images; all of them where there are fewer.")] = 64,
    class_: Annotated[
        str | None, Query(alias="class", max_length=200, description="Those of one class alone: its name or number.")
    ] = None,
    augment: Annotated[Augment, Query(description="As a recipe's `augment` changes them.")] = "none",
    seed: Annotated[
        int | None,
        Query(ge=0, le=MAX_SEED, description="Which images, and how they are changed; without it the first."),
    ] = None,
) -> Response:
    """Training images side by side, in the size and the colours in which D sees them."""
    chosen = _choose(arrays, class_)
    if seed is not None:
        chosen = np.random.default_rng(seed).permutation(chosen)
    images = arrays.images[chosen[:n]]
    if augment != "none" and len(images):
        images = augmented(images, augment, seed or 0)
    return _png(tile(images, square_columns(max(1, len(images))), PAD, scale=1), if_none_match)


@router.get("/{dataset}/images/{k}.png", response_class=Response, responses=PNG)
def get_image(
    arrays: ArraysDep,
    if_none_match: IfNoneMatch,
    k: Annotated[int, Path(ge=0, description="Its number: the training images come first.")],
) -> Response:
    """One image, pixel for pixel."""
    if k >= len(arrays.images):
        detail = f"data set {arrays.card.dataset_id} has no image {k}; allowed: 0 to {len(arrays.images) - 1}"
        raise ProblemError(ProblemType.NOT_FOUND, detail)
    return _png(arrays.images[k], if_none_match)


def _choose(arrays: DatasetArrays, wanted: str | None) -> np.ndarray:
    """The numbers of the training images, or of those of one class."""
    if wanted is None:
        return np.arange(arrays.card.train)
    number = class_number(arrays.card.class_names, wanted)
    assert arrays.labels is not None
    return np.flatnonzero(arrays.labels[arrays.train] == number)


def _png(pixels: np.ndarray, if_none_match: list[str]) -> Response:
    """A picture, to be asked for again each time: once its data set is deleted, nobody is to be given it."""
    png = to_png(pixels)
    headers = {"ETag": f'"{sha256(png).hexdigest()[:ID_LENGTH]}"', "Cache-Control": "no-cache"}
    if is_known(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(png, media_type="image/png", headers=headers)
