"""/v1: images, and the models that draw them, for programs that speak the API of OpenAI."""

import asyncio
import time
from base64 import b64encode
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from app.http.clients import has_gone
from app.http.dependencies import ServicesDep, require_json
from app.http.guard import account_of
from app.http.json_body import JsonRoute
from app.http.openai_errors import OpenAIError
from app.http.problems import FieldProblem, not_accepted
from app.images.classes import in_canonical_words, named_in
from app.images.encode import encode_singles
from app.images.location import location
from app.images.openai_schemas import GeneratedImage, GeneratedImages, OpenAIImagesRequest, OpenAIModel, OpenAIModelList
from app.images.picture import Picture
from app.images.query import GridQuery
from app.images.rendering import drawn_by, new_seed, render
from models.shelf import Shelf

router = APIRouter(tags=["generate"], route_class=JsonRoute)


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    every: list[int | str] = [*statuses, "default"]
    return {status: {"model": OpenAIError, "description": "An error in OpenAI's shape."} for status in every}


@router.post(
    "/v1/images/generations",
    dependencies=[Depends(require_json)],
    responses=_errors(400, 404, 415, 422, 429, 503),
    response_model_exclude_none=True,
)
async def generate_images(request: Request, wanted: OpenAIImagesRequest, services: ServicesDep) -> GeneratedImages:
    """Images as OpenAI's clients ask for them. The classes in the prompt are drawn in their order, or else any."""
    shelf, name = services.shelf, wanted.model_id
    model = _named(shelf, name) if name else shelf.active()
    await services.looker.find(partial(shelf.folder, model))
    card = services.renderer.models.card(model)
    side = card.image_shape.side
    scale = wanted.scale(side)
    if scale == 0:
        allowed = f"allowed: auto, or WIDTHxHEIGHT with sides from {side} to 99999"
        raise not_accepted([FieldProblem(pointer="/size", detail=allowed, value=wanted.size)])
    classes = named_in(wanted.prompt, card, wanted.n)
    query = GridQuery.model_validate({"n": wanted.n, "seed": wanted.seed, "model": model, **classes})
    _, judge = drawn_by(query, services)
    picture = in_canonical_words(Picture.of(query, "json", model, judge, new_seed()), card)
    picture = replace(picture, scale=scale)
    with (account := account_of(request)).images(wanted.n):
        images = (await render(picture, services.renderer, partial(has_gone, request), account.caller)).images
    if wanted.wants_url:
        base = str(request.base_url).rstrip("/")
        data = [GeneratedImage(url=f"{base}{location(picture.single(k))}") for k in range(wanted.n)]
    else:
        pngs = await asyncio.to_thread(encode_singles, picture, images)
        data = [GeneratedImage(b64_json=b64encode(png).decode()) for png in pngs.values()]
    size = f"{side * scale}x{side * scale}"
    return GeneratedImages(created=int(time.time()), data=data, size=size, model=model, seed=picture.seed)


@router.get("/v1/models", responses=_errors())
def list_openai_models(services: ServicesDep) -> OpenAIModelList:
    """The models on the shelf as OpenAI's clients ask for them: the active one first, then the newest.

    Behind them stand the data sets that have an active model, by their names, which a client may draw from as well.
    """
    active, entries = services.shelf.active(), services.shelf.entries()
    listed = [OpenAIModel.of(entry.created_at, entry.model_id) for entry in entries]
    listed.sort(key=lambda model: model.id != active)
    made = {entry.model_id: entry.created_at for entry in entries}
    actives = services.shelf.actives().items()
    listed += [OpenAIModel.of(made[model_id], name) for name, model_id in actives if model_id in made]
    return OpenAIModelList(data=listed)


@router.get("/v1/models/{model_id}", responses=_errors(404, 503))
async def get_openai_model(model_id: str, services: ServicesDep) -> OpenAIModel:
    """One of them."""
    shelf = services.shelf
    await services.looker.find(lambda: shelf.folder(_named(shelf, model_id)))
    card = await run_in_threadpool(lambda: shelf.card(_named(shelf, model_id)))
    return OpenAIModel.of(card.created_at, model_id)


def _named(shelf: Shelf, name: str) -> str:
    """The id of a model by its id, or by the name of the data set whose active one it is."""
    return shelf.actives().get(name, name)
