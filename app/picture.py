"""A picture: a drawing with nothing left open, so that a URL names it and its bytes follow from that URL alone."""

import secrets
from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Self
from urllib.parse import parse_qsl, urlencode

import numpy as np

from app.formats import GRIDS, WEBP_SIDE, Format, to_npz, to_webp, to_zip
from app.problems import RETRY_AFTER_S, FieldProblem, ProblemError
from app.provenance import NoProvenance, Provenance, as_text
from app.schemas import GridQuery, ImagesView, ImageView
from app.studio import Overloaded, Studio, UnknownDigit
from models.dcgan import IMAGE_SIZE
from models.grid import square_columns, tile, to_png
from models.shelf import MODEL_ID

PATH = "/generate"
DRAWN_SEEDS = 2**32  # a seed that the server draws is short enough to read


def any_seed() -> int:
    """A seed for whoever names none."""
    return secrets.randbelow(DRAWN_SEEDS)


@dataclass(frozen=True)
class Picture:
    """What a query asks for, with all that it may leave to the server."""

    query: GridQuery
    model: str
    seed: int
    format: Format

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
        picture = cls(query, query.model, query.seed, query.format)
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

    @property
    def location(self) -> str:
        """The canonical URL: each parameter that the picture depends on, in one order."""
        query = self.query
        parameters: dict[str, int | str] = {"n": query.n, "seed": self.seed, "start": query.start}
        if query.digit is not None:
            parameters["digit"] = query.digit
        if self.format in GRIDS:
            parameters |= {"cols": self.columns, "pad": query.pad}
        if self.format != "npz":
            parameters["scale"] = query.scale
        if query.invert:
            parameters["invert"] = "true"
        parameters |= {"format": self.format, "model": self.model}
        return f"{PATH}?{urlencode(parameters)}"

    @property
    def etag(self) -> str:
        """A strong ETag, of the URL instead of the bytes: it is known before anything is drawn."""
        return f'"{sha256(self.location.encode()).hexdigest()[:32]}"'

    def alone(self, k: int) -> "Picture":
        """Image k by itself, as a PNG."""
        return replace(self, query=self.query.model_copy(update={"n": 1, "start": k, "cols": None}), format="png")

    def check(self) -> None:
        """Refuse what makes no sense together. Raises ProblemError, which names each parameter of it."""
        faults = list(self._misfits())
        if faults:
            names = ", ".join(fault.parameter or "" for fault in faults)
            raise ProblemError(422, "invalid-parameter", f"not accepted: {names}", faults)

    def _misfits(self) -> list[FieldProblem]:
        query, faults = self.query, []
        for name in ("cols", "pad", "scale"):
            takers = ("png", "webp", "zip", "json") if name == "scale" else GRIDS
            if name in query.model_fields_set and self.format not in takers:
                detail = f"{self.format} has none; allowed: with the formats {', '.join(takers)}"
                faults.append(FieldProblem(parameter=name, detail=detail, value=getattr(query, name)))
        rows = -(-query.n // self.columns)
        side = max(rows, self.columns) * (IMAGE_SIZE * query.scale + query.pad) - query.pad
        if self.format == "webp" and side > WEBP_SIDE:
            detail = f"this grid has a side of {side} pixels, a WebP at most {WEBP_SIDE}; allowed: png"
            faults.append(FieldProblem(parameter="format", detail=detail, value=self.format))
        return faults

    async def draw(self, studio: Studio) -> np.ndarray:
        """The images: uint8 [n, 28, 28]. Raises ProblemError where they cannot be drawn."""
        query = self.query
        try:
            images = await studio.draw(self.model, self.seed, query.start, query.n, query.digits)
        except Overloaded as error:
            detail = "too many drawings are waiting"
            raise ProblemError(503, "overloaded", detail, headers={"Retry-After": RETRY_AFTER_S}) from error
        except UnknownDigit as error:
            fault = FieldProblem(parameter="digit", detail=str(error), value=query.digit)
            raise ProblemError(422, "invalid-parameter", "not accepted: digit", [fault]) from error
        return 255 - images if query.invert else images

    def encode(self, images: np.ndarray) -> bytes:
        """The file, of the images that `draw` gave."""
        match self.format:
            case "png":
                return to_png(self._grid(images), as_text(self.provenance))
            case "webp":
                return to_webp(self._grid(images))
            case "zip":
                return to_zip({f"{k}.png": png for k, png in self.each(images).items()})
            case "json":
                return self._to_json(images)
            case "npz":
                return to_npz(images)

    def each(self, images: np.ndarray) -> dict[int, bytes]:
        """Each image as the PNG that it is when it is asked for alone, by its number."""
        return {k: self.alone(k).encode(image[None]) for k, image in enumerate(images, self.query.start)}

    def _grid(self, images: np.ndarray) -> np.ndarray:
        query = self.query
        return tile(images, self.columns, query.pad, query.scale, background=255 if query.invert else 0)

    def _to_json(self, images: np.ndarray) -> bytes:
        views = [
            ImageView(seed=self.seed, k=k, png=b64encode(png).decode(), url=self.alone(k).location)
            for k, png in self.each(images).items()
        ]
        return ImagesView(model=self.model, seed=self.seed, images=views).model_dump_json().encode()
