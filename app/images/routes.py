"""GET /generate: draw digits."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from app.drawing.renderer import Drawn
from app.http.dependencies import UNCHANGED, ServicesDep
from app.http.negotiation import accepted, is_known
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.http.urls import url
from app.images.encode import encode
from app.images.formats import MEDIA_TYPES, MOVING, STILL, Format
from app.images.location import etag, location
from app.images.picture import Picture
from app.images.query import GridQuery
from app.images.rendering import drawn_by, new_seed, render
from app.images.rules import check
from app.images.views import ImagesView

router = APIRouter(tags=["generate"], route_class=StrictRoute)

ENCODED_AT_ONCE = 25_088  # bytes of pixels: 32 images of MNIST's size

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
    services: ServicesDep,
    query: Annotated[GridQuery, Query()],
) -> Response:
    """A grid of digits, or each by itself. With `seed` and `model` the same URL is the same picture for ever."""
    format_ = query.format or _accepted(request, STILL if query.interpolate is None else MOVING)
    picture = Picture.of(query, format_, *drawn_by(query, services), new_seed())
    check(query, picture, services.renderer.models.shape(picture.model))
    place = url(location(picture))
    headers = {
        "X-Seed": str(picture.seed),
        "X-Model-Id": picture.model,
        "Content-Location": place,
        "ETag": etag(place),
        "Cache-Control": _caching(query, picture),
    }
    if query.format is None:
        headers["Vary"] = "Accept"
    if query.digit is not None:
        headers["X-Digit-By"] = "judge" if picture.judge else "class"
    if query.names_seeds and is_known(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    drawn = await render(picture, services.renderer, request.is_disconnected)
    began = time.monotonic()
    data = await _encode(picture, drawn.images)
    headers["Server-Timing"] = _timing(drawn, time.monotonic() - began)
    return Response(data, media_type=MEDIA_TYPES[picture.format][0], headers=headers)


async def _encode(picture: Picture, images: np.ndarray) -> bytes:
    """Encode in a thread, except for a small PNG, which takes less time than the hop."""
    if picture.format == "png" and images.size * picture.scale**2 <= ENCODED_AT_ONCE:
        return encode(picture, images)
    return await asyncio.to_thread(encode, picture, images)


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


def _caching(query: GridQuery, picture: Picture) -> str:
    """Immutable only if the query itself names everything that the picture depends on."""
    if not query.names_seeds:
        return "no-store"
    is_fixed = query.model is not None and picture.judge == query.judge
    return "public, max-age=31536000, immutable" if is_fixed else "no-cache"
