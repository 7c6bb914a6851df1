"""GET /generate: draw digits."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from app.drawing.renderer import Drawn
from app.http.dependencies import UNCHANGED, ShelfDep, StudioDep
from app.http.negotiation import accepted, is_known
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.http.urls import url
from app.images.formats import MEDIA_TYPES, MOVING, STILL, Format
from app.images.picture import Picture
from app.images.query import GridQuery
from app.images.views import ImagesView

router = APIRouter(tags=["generate"])

ENCODED_AT_ONCE = 32 * 28 * 28  # pixels

DRAWN: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {names[0]: {} for names in MEDIA_TYPES.values()},
        "model": ImagesView,
        "description": "The picture, in the format that was asked for.",
    },
    **UNCHANGED,
}


@router.get("/generate", response_class=Response, responses={**DRAWN, **documented(404, 406, 422, 503)})
async def generate(
    request: Request,
    shelf: ShelfDep,
    studio: StudioDep,
    query: Annotated[GridQuery, Query()],
) -> Response:
    """A grid of digits, or each by itself. With `seed` and `model` the same URL is the same picture for ever."""
    format_ = query.format or _accepted(request, MOVING if query.walk else STILL)
    picture = Picture.of(query, format_, shelf, studio.judges)
    picture.check()
    headers = {
        "X-Seed": str(picture.seed),
        "X-Model-Id": picture.model,
        "Content-Location": url(picture.location),
        "ETag": picture.etag,
        "Cache-Control": _caching(picture),
    }
    if query.format is None:
        headers["Vary"] = "Accept"
    if query.digit is not None:
        headers["X-Digit-By"] = "judge" if picture.judge else "class"
    if _names_seeds(query) and is_known(request.headers.getlist("if-none-match"), picture.etag):
        return Response(status_code=304, headers=headers)
    drawn = await picture.draw(studio, request.is_disconnected)
    began = time.monotonic()
    data = await _encode(picture, drawn.images)
    headers["Server-Timing"] = _timing(drawn, time.monotonic() - began)
    return Response(data, media_type=MEDIA_TYPES[picture.format][0], headers=headers)


async def _encode(picture: Picture, images: np.ndarray) -> bytes:
    """The file; a small PNG takes less time than handing it to another thread would."""
    if picture.format == "png" and images.size * picture.query.scale**2 <= ENCODED_AT_ONCE:
        return picture.encode(images)
    return await asyncio.to_thread(picture.encode, images)


def _timing(drawn: Drawn, encoding_s: float) -> str:
    """A Server-Timing header (W3C): where the time went, in milliseconds."""
    steps = {"queue": drawn.waited_s, "draw": drawn.drawing_s, "encode": encoding_s}
    return ", ".join(f"{name};dur={1000 * seconds:.2f}" for name, seconds in steps.items())


def _accepted(request: Request, formats: Sequence[Format]) -> Format:
    found = accepted(request, {name: MEDIA_TYPES[name] for name in formats})
    if found is None:
        accept = ",".join(request.headers.getlist("accept"))
        allowed = ", ".join(MEDIA_TYPES[name][0] for name in formats)
        detail = f"Accept takes none of what there is: {accept}; allowed: {allowed}"
        raise ProblemError(ProblemType.NOT_ACCEPTABLE, detail)
    return found


def _names_seeds(query: GridQuery) -> bool:
    return query.seed is not None or query.walk is not None


def _caching(picture: Picture) -> str:
    if not _names_seeds(picture.query):
        return "no-store"
    return "public, max-age=31536000, immutable" if picture.is_fixed else "no-cache"
