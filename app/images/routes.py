"""GET /generate: draw images."""

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, NamedTuple

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from app.drawing.renderer import Drawn
from app.http.clients import has_gone
from app.http.dependencies import UNCHANGED, ServicesDep
from app.http.guard import account_of, caller_of
from app.http.negotiation import is_known
from app.http.problems import documented
from app.http.query_route import QueryRoute
from app.http.recent import LONGEST, Recent
from app.http.services import Services
from app.http.urls import url
from app.images.accepted import accepted
from app.images.checkpoints import Checkpoint, find_checkpoint, is_name, while_it_comes_again
from app.images.classes import in_canonical_words
from app.images.encode import encode
from app.images.formats import MEDIA_TYPES, MOVING, STILL
from app.images.location import etag, location
from app.images.picture import Picture
from app.images.query import GridQuery
from app.images.rendering import drawn_by, new_seed, render
from app.images.rules import check
from app.images.views import ImagesView
from app.metrics.meters import ENCODE, Source
from core.card import Card
from core.errors import ModelNotFound

router = APIRouter(tags=["generate"], route_class=QueryRoute)

ENCODED_AT_ONCE = 25_088  # bytes of pixels: 32 images of MNIST's size

DRAWN: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {names[0]: {} for names in MEDIA_TYPES.values()},
        "model": ImagesView,
        "description": "The picture, in the format that was asked for.",
    },
    **UNCHANGED,
}


_answers = Recent["_Answer"]()


class _Answer(NamedTuple):
    """What is known of an answer before anything is drawn."""

    picture: Picture
    etag: str
    headers: dict[str, str]


@router.get("/generate", response_class=Response, responses={**DRAWN, **documented(404, 406, 422, 429, 503)})
async def generate(request: Request, services: ServicesDep, query: Annotated[GridQuery, Query()]) -> Response:
    """A grid of images, or each by itself. With `seed` and `model` the same URL is the same picture for ever."""
    if is_name(query.model):
        return await while_it_comes_again(partial(_from_checkpoint, request, services, query))
    try:
        model, judge = drawn_by(query, services)
    except ModelNotFound:
        model, judge = await services.looker.find(partial(drawn_by, query, services))
    accept = ",".join(request.headers.getlist("accept"))
    card = services.renderer.models.card(model)
    asked: bytes = request.scope["query_string"]
    if query.names_seeds and len(asked) + len(accept) <= LONGEST:
        key = asked, accept, model, judge, url("")
        answer = _answers.get(key, lambda: _answer(query, accept, card, judge))
    else:
        answer = _answer(query, accept, card, judge)
    return await _give(request, services, query, answer)


async def _from_checkpoint(request: Request, services: Services, query: GridQuery) -> Response:
    accept = ",".join(request.headers.getlist("accept"))
    found = await find_checkpoint(services, caller_of(request), query.model or "")
    judge = services.renderer.judges.choose(found.card, query.judge) if query.wants_classes else None
    return await _give(request, services, query, _answer(query, accept, found.card, judge, found), found)


async def _give(
    request: Request, services: Services, query: GridQuery, answer: "_Answer", checkpoint: Checkpoint | None = None
) -> Response:
    """The answer, from the client, from memory, or drawn."""
    picture, tag, headers = answer
    media_type = MEDIA_TYPES[picture.format][0]
    if query.names_seeds:
        if is_known(request.headers.getlist("if-none-match"), tag):
            services.meters.answered_from(Source.CLIENT)
            return Response(status_code=304, headers=headers)
        if kept := services.pictures.get(tag):
            services.meters.answered_from(Source.MEMORY)
            return Response(kept, media_type=media_type, headers={**headers, "Server-Timing": "memory"})
    with (account := account_of(request)).images(picture.frames * picture.n):
        drawn = await render(picture, services.renderer, partial(has_gone, request), account.caller, checkpoint)
    began = time.monotonic()
    data = await _encode(picture, drawn.images)
    if query.names_seeds:
        services.pictures.keep(tag, data)
    encoding_s = time.monotonic() - began
    services.meters.answered_from(Source.DRAWN)
    services.meters.observe(ENCODE, encoding_s)
    timing = _timing(drawn, encoding_s)
    return Response(data, media_type=media_type, headers={**headers, "Server-Timing": timing})


def _answer(
    query: GridQuery, accept: str, card: Card, judge: str | None, checkpoint: Checkpoint | None = None
) -> _Answer:
    """A function of its arguments and of the path that a proxy serves us under, but for a seed that nobody named.

    Raises ProblemError where the query cannot be answered.
    """
    format_ = query.format or accepted(accept, STILL if query.interpolate is None else MOVING)
    picture = in_canonical_words(Picture.of(query, format_, card.model_id, judge, new_seed()), card)
    if checkpoint:
        picture = replace(picture, model=checkpoint.name, weights=card.model_id)
    check(query, picture, card.image_shape, card.recipe.z_dim)
    place = url(location(picture))
    headers = {
        "X-Seed": str(picture.seed),
        "X-Model-Id": picture.model_id,
        "Content-Location": place,
        "ETag": etag(place, picture.weights),
        "Cache-Control": caching(query, picture, checkpoint),
    }
    if query.format is None:
        headers["Vary"] = "Accept"
    if picture.wants_classes:
        kind = "X-Digit-By" if picture.class_ is None else "X-Class-By"
        headers[kind] = "judge" if picture.judge else "class"
    return _Answer(picture, headers["ETag"], headers)


async def _encode(picture: Picture, images: np.ndarray) -> bytes:
    """Encode in a thread, except for a small PNG, which takes less time than the hop."""
    if picture.format == "png" and images.size * picture.scale**2 <= ENCODED_AT_ONCE:
        return encode(picture, images)
    return await asyncio.to_thread(encode, picture, images)


def _timing(drawn: Drawn, encoding_s: float) -> str:
    """A Server-Timing header (W3C): where the time went, in milliseconds."""
    steps = {"queue": drawn.waited_s, "draw": drawn.drawing_s, "encode": encoding_s}
    return ", ".join(f"{name};dur={1000 * seconds:.2f}" for name, seconds in steps.items())


def caching(query: GridQuery, picture: Picture, checkpoint: Checkpoint | None) -> str:
    """Immutable only if the query itself names everything that the picture depends on, and its model stays."""
    if not query.names_seeds:
        return "no-store"
    is_fixed = query.model == picture.model and picture.judge == query.judge
    is_fixed = is_fixed and (checkpoint is None or checkpoint.is_lasting)
    return "public, max-age=31536000, immutable" if is_fixed else "no-cache"
