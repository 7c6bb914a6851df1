"""Encode the images of a picture as a file."""

from base64 import b64encode
from typing import Literal

import numpy as np

from app.http.urls import url
from app.images.formats import to_animation, to_npz, to_webp, to_zip
from app.images.location import location
from app.images.origin import as_text, origin_of
from app.images.picture import Picture
from app.images.views import ImagesView, ImageView
from models.grid import tile, to_png


def encode(picture: Picture, images: np.ndarray) -> bytes:
    """Encode uint8 [frames * n, H, W, C], frame by frame."""
    match picture.format:
        case "png":
            return to_png(_grid(picture, images), as_text(origin_of(picture)))
        case "webp":
            return _moving(picture, images, "webp") if picture.walk else to_webp(_grid(picture, images))
        case "gif":
            return _moving(picture, images, "gif")
        case "zip":
            return to_zip({f"{k}.png": png for k, png in encode_singles(picture, images).items()})
        case "json":
            return _to_json(picture, images)
        case "npz":
            return to_npz(_shown(picture, images))


def encode_singles(picture: Picture, images: np.ndarray) -> dict[int, bytes]:
    """Encode each image as the PNG that a query for it alone would get, by its number."""
    return {k: encode(picture.single(k), image[None]) for k, image in enumerate(images, picture.start)}


def _shown(picture: Picture, images: np.ndarray) -> np.ndarray:
    return 255 - images if picture.invert else images


def _grid(picture: Picture, images: np.ndarray) -> np.ndarray:
    background = 255 if picture.invert else 0
    return tile(_shown(picture, images), picture.cols, picture.pad, picture.scale, background)


def _moving(picture: Picture, images: np.ndarray, kind: Literal["webp", "gif"]) -> bytes:
    return to_animation([_grid(picture, frame) for frame in np.split(images, picture.frames)], kind)


def _to_json(picture: Picture, images: np.ndarray) -> bytes:
    views = [
        ImageView(seed=picture.seed, k=k, png=b64encode(png).decode(), url=url(location(picture.single(k))))
        for k, png in encode_singles(picture, images).items()
    ]
    return ImagesView(model=picture.model, seed=picture.seed, images=views).model_dump_json().encode()
