"""GET /generate: draw digits."""

import asyncio
import secrets
import time
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from app.deps import ShelfDep, StudioDep
from app.problems import FieldProblem, ProblemError, documented
from app.schemas import GridQuery
from app.studio import Drawn, UnknownDigit
from app.turns import Overloaded
from models.grid import square_columns, tile
from models.png import to_png

router = APIRouter(tags=["generate"])

ENCODED_AT_ONCE = 32 * 28 * 28  # pixels
DRAWN_SEEDS = 2**32  # a seed that the server draws is short enough to read


@router.get(
    "/generate",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "An 8-bit grey PNG."}, **documented(404, 422, 503)},
)
async def generate(
    request: Request, shelf: ShelfDep, studio: StudioDep, query: Annotated[GridQuery, Query()]
) -> Response:
    """A grid of digits. With `seed` and `model` the same URL is the same picture for ever."""
    model_id = query.model or shelf.active()
    shelf.folder(model_id)
    seed = secrets.randbelow(DRAWN_SEEDS) if query.seed is None else query.seed
    columns = query.cols or square_columns(query.n)
    pinned: dict[str, int | str] = {"n": query.n, "seed": seed, "start": query.start}
    if query.digit is not None:
        pinned["digit"] = query.digit
    pinned |= {"cols": columns, "pad": query.pad, "scale": query.scale, "model": model_id}
    location = f"/generate?{urlencode(pinned)}"
    headers = {
        "X-Seed": str(seed),
        "X-Model-Id": model_id,
        "Content-Location": location,
        "ETag": f'"{sha256(location.encode()).hexdigest()[:32]}"',
        "Cache-Control": _caching(query),
    }
    if query.digit is not None:
        headers["X-Digit-By"] = "class" if shelf.card(model_id).recipe.classes else "judge"
    if query.seed is not None and headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        drawn = await studio.draw(model_id, seed, query.start, query.n, query.digits, request.is_disconnected)
    except Overloaded as error:
        headers = {"Retry-After": str(error.retry_after_s)}
        raise ProblemError(503, "overloaded", str(error), headers=headers) from error
    except UnknownDigit as error:
        fault = FieldProblem(parameter="digit", detail=str(error), value=query.digit)
        raise ProblemError(422, "invalid-parameter", "not accepted: digit", [fault]) from error
    began = time.monotonic()
    png = await _encode(drawn.images, columns, query.pad, query.scale)
    headers["Server-Timing"] = _timing(drawn, time.monotonic() - began)
    return Response(png, media_type="image/png", headers=headers)


async def _encode(images: np.ndarray, columns: int, pad: int, scale: int) -> bytes:
    """A PNG; a small one takes less time than handing it to another thread would."""
    if images.size * scale**2 <= ENCODED_AT_ONCE:
        return to_png(tile(images, columns, pad, scale))
    return await asyncio.to_thread(lambda: to_png(tile(images, columns, pad, scale)))


def _timing(drawn: Drawn, encoding_s: float) -> str:
    """A Server-Timing header (W3C): where the time went, in milliseconds."""
    steps = {"queue": drawn.waited_s, "draw": drawn.drawing_s, "encode": encoding_s}
    return ", ".join(f"{name};dur={1000 * seconds:.2f}" for name, seconds in steps.items())


def _caching(query: GridQuery) -> str:
    if query.seed is None:
        return "no-store"
    return "public, max-age=31536000, immutable" if query.model else "no-cache"
