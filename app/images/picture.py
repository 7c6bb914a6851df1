"""A picture: a drawing with nothing left open, so that a URL names it and its bytes follow from that URL alone."""

import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Literal, Self
from urllib.parse import parse_qsl

import numpy as np
from torch import Tensor

from app.drawing.judges import Judges
from app.drawing.renderer import Drawn, Studio, UnknownDigit
from app.drawing.scheduler import Overloaded
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, not_accepted
from app.http.urls import url
from app.images.formats import (
    GRIDS,
    MOVING,
    STILL,
    WEBP_SIDE,
    Format,
    to_animation,
    to_npz,
    to_webp,
    to_zip,
)
from app.images.location import PATH, etag, location, meaningless
from app.images.origin import NoProvenance, Provenance, as_text
from app.images.query import GridQuery
from app.images.views import ImagesView, ImageView
from models.dcgan import IMAGE_SIZE
from models.folding import FoldedGenerator
from models.grid import square_columns, tile, to_png
from models.sampling import latents
from models.shelf import MODEL_ID, Shelf
from models.walk import truncated, walk

WALK_IMAGES = 1024  # of all frames: 64 batches of the generator
WALK_PIXELS = 2**22  # of all frames: seconds of the encoder
DRAWN_SEEDS = 2**32  # a seed that the server draws is short enough to read


@dataclass(frozen=True)
class Picture:
    """What a query asks for, with all that it may leave to the server."""

    query: GridQuery
    model: str
    seed: int  # of a walk, the first
    format: Format
    judge: str | None = None  # that picks the digits, where the model knows no classes

    @classmethod
    def of(cls, query: GridQuery, format_: Format, shelf: Shelf, judges: Judges) -> Self:
        """The picture that a query asks for. Raises ModelNotFound, JudgeNotFound or CheckpointError."""
        model = query.model or shelf.active()
        shelf.folder(model)
        seed = query.walk[0] if query.walk else secrets.randbelow(DRAWN_SEEDS) if query.seed is None else query.seed
        judge = judges.choose(model, query.judge) if query.digit is not None else None
        return cls(query, model, seed, format_, judge)

    @classmethod
    def recalled(cls, told: Provenance) -> Self:
        """The picture that a PNG says it is, once its URL is one that `location` could have given.

        Raises NoProvenance, because the text may come from anyone.
        """
        path, _, parameters = told.url.partition("?")
        try:
            query = GridQuery.model_validate(dict(parse_qsl(parameters, keep_blank_values=True, max_num_fields=100)))
        except ValueError as error:  # pydantic's ValidationError too
            raise NoProvenance("its URL is not one of those that draw") from error
        if query.seed is None or query.model is None or query.format != "png" or path != PATH:
            raise NoProvenance("its URL leaves open what it draws")
        picture = cls(query, query.model, query.seed, query.format, query.judge)
        if not MODEL_ID.fullmatch(query.model) or picture.provenance != told:
            raise NoProvenance("its text contradicts itself")
        return picture

    @property
    def provenance(self) -> Provenance:
        """What its PNG says of itself."""
        query = self.query
        return Provenance(model=self.model, seed=self.seed, start=query.start, n=query.n, url=self.location)

    @property
    def columns(self) -> int:
        """Images in a row of the grid."""
        return self.query.cols or square_columns(self.query.n)

    @cached_property
    def closed(self) -> GridQuery:
        """The query with nothing left open."""
        told = {
            "seed": None if self.query.walk else self.seed,
            "cols": self.columns if self.format in GRIDS else None,
            "format": self.format,
            "model": self.model,
            "judge": self.judge,
        }
        return self.query.model_copy(update=told)

    @cached_property
    def location(self) -> str:
        """The canonical URL: each parameter that the picture depends on, in one order."""
        return location(self.closed)

    @cached_property
    def etag(self) -> str:
        """A strong ETag, known before anything is drawn.

        The path that a proxy serves it under is part of it, because the URLs in JSON have it too.
        """
        return etag(url(self.location))

    @property
    def is_fixed(self) -> bool:
        """Whether the query itself names all that the picture depends on, so that it never changes."""
        return self.query.model is not None and (self.judge is None or self.query.judge is not None)

    def alone(self, k: int) -> "Picture":
        """Image k by itself, as a PNG."""
        return replace(self, query=self.query.model_copy(update={"n": 1, "start": k, "cols": None}), format="png")

    def check(self) -> None:
        """Refuse what makes no sense together. Raises ProblemError, which names each parameter of it."""
        faults = list(self._misfits())
        if faults:
            raise not_accepted(faults)

    def _misfits(self) -> Iterator[FieldProblem]:
        query = self.query

        def fault(name: str, detail: str) -> FieldProblem:
            return FieldProblem(parameter=name, detail=detail, value=getattr(query, name))

        for name, allowed in meaningless(query, self.closed):
            yield fault(name, allowed)
        if self.judge and (query.walk or query.truncation != 1):
            picks = "the judge picks among the images of a seed; allowed: without interpolate and truncation"
            yield fault("digit", picks)
        possible = MOVING if query.walk else STILL
        if self.format not in possible:
            kind = "with" if query.walk else "without"
            yield fault("format", f"allowed {kind} interpolate: {', '.join(possible)}")
        if self.format == "webp" and max(self._size) > WEBP_SIDE:
            detail = f"this grid has {max(self._size)} pixels a side; allowed: {WEBP_SIDE} as webp, or another format"
            yield FieldProblem(parameter="format", detail=detail, value=self.format)
        if query.walk:
            yield from self._misfits_of_walk(fault)

    def _misfits_of_walk(self, fault: Callable[[str, str], FieldProblem]) -> Iterator[FieldProblem]:
        query = self.query
        if query.truncation == 0:
            yield fault("truncation", "0 draws the same everywhere; allowed with interpolate: more than 0")
        most = min(WALK_IMAGES // query.n, WALK_PIXELS // (self._size[0] * self._size[1]), 128)
        if query.frames > most:
            allowed = f"2 to {most}" if most > 1 else "none, for the grid is too large: less n, scale or pad"
            yield fault("frames", f"allowed for a grid of this size: {allowed}")

    @property
    def _size(self) -> tuple[int, int]:
        """Height and width of the grid in pixels."""
        query, rows = self.query, ceil(self.query.n / self.columns)
        cell = IMAGE_SIZE * query.scale + query.pad
        return rows * cell - query.pad, self.columns * cell - query.pad

    async def draw(self, studio: Studio, gone: Callable[[], Awaitable[bool]]) -> Drawn:
        """The images: uint8 [n, 28, 28], or [frames * n, 28, 28], frame by frame.

        `gone` says whether the client has gone. Raises ProblemError where they cannot be drawn, or ClientGone.
        """
        query = self.query
        try:
            if query.walk or query.truncation != 1:
                n = query.n * query.frames if query.walk else query.n
                return await studio.draw_latents(self.model, n, self._latents, query.digits, gone)
            return await studio.draw(self.model, self.seed, query.start, query.n, query.digits, self.judge, gone)
        except Overloaded as error:
            headers = {"Retry-After": str(error.retry_after_s)}
            raise ProblemError(ProblemType.OVERLOADED, str(error), headers=headers) from error
        except UnknownDigit as error:
            fault = FieldProblem(parameter="digit", detail=str(error), value=query.digit)
            raise not_accepted([fault]) from error

    def encode(self, images: np.ndarray) -> bytes:
        """The file, of the images that `draw` gave."""
        match self.format:
            case "png":
                return to_png(self._grid(images), as_text(self.provenance))
            case "webp":
                return self._moving(images, "webp") if self.query.walk else to_webp(self._grid(images))
            case "gif":
                return self._moving(images, "gif")
            case "zip":
                return to_zip({f"{k}.png": png for k, png in self.each(images).items()})
            case "json":
                return self._to_json(images)
            case "npz":
                return to_npz(self._shown(images))

    def each(self, images: np.ndarray) -> dict[int, bytes]:
        """Each image as the PNG that it is when it is asked for alone, by its number."""
        return {k: self.alone(k).encode(image[None]) for k, image in enumerate(images, self.query.start)}

    def _latents(self, G: FoldedGenerator) -> Tensor:
        query = self.query
        images = (query.start, query.n, G.z_dim, G.classes, query.digits)
        rows = walk(query.walk, query.frames, *images) if query.walk else latents(self.seed, *images)
        return truncated(rows, G.z_dim, query.truncation)

    def _shown(self, images: np.ndarray) -> np.ndarray:
        return 255 - images if self.query.invert else images

    def _grid(self, images: np.ndarray) -> np.ndarray:
        query = self.query
        return tile(self._shown(images), self.columns, query.pad, query.scale, background=255 if query.invert else 0)

    def _moving(self, images: np.ndarray, kind: Literal["webp", "gif"]) -> bytes:
        frames = images.reshape(self.query.frames, self.query.n, *images.shape[1:])
        return to_animation([self._grid(frame) for frame in frames], kind)

    def _to_json(self, images: np.ndarray) -> bytes:
        views = [
            ImageView(seed=self.seed, k=k, png=b64encode(png).decode(), url=url(self.alone(k).location))
            for k, png in self.each(images).items()
        ]
        return ImagesView(model=self.model, seed=self.seed, images=views).model_dump_json().encode()
