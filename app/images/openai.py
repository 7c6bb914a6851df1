"""/v1: images, and the models that draw them, for programs that speak the API of OpenAI."""

import asyncio
import time
from base64 import b64encode
from typing import Any

from fastapi import APIRouter, Depends, Request

from app.http.dependencies import ShelfDep, StudioDep, require_json
from app.http.json_body import JsonRoute
from app.http.openai_errors import OpenAIError
from app.images.openai_schemas import GeneratedImage, GeneratedImages, OpenAIImagesRequest, OpenAIModel, OpenAIModelList
from app.images.picture import Picture
from app.images.query import GridQuery
from core.image_shape import GREY_28

router = APIRouter(tags=["generate"], route_class=JsonRoute)


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    every: list[int | str] = [*statuses, "default"]
    return {status: {"model": OpenAIError, "description": "An error in OpenAI's shape."} for status in every}


@router.post(
    "/v1/images/generations",
    dependencies=[Depends(require_json)],
    responses=_errors(400, 404, 415, 422, 503),
    response_model_exclude_none=True,
)
async def generate_images(
    request: Request, wanted: OpenAIImagesRequest, shelf: ShelfDep, studio: StudioDep
) -> GeneratedImages:
    """Images as OpenAI's clients ask for them. The digits in the prompt are drawn in their order, or else any."""
    query = GridQuery(n=wanted.n, seed=wanted.seed, digit=wanted.digit, scale=wanted.scale, model=wanted.model_id)
    picture = Picture.of(query, "json", shelf, studio.judges)
    images = (await picture.draw(studio, request.is_disconnected)).images
    if wanted.wants_url:
        base = str(request.base_url).rstrip("/")
        data = [GeneratedImage(url=f"{base}{picture.alone(k).location}") for k in range(wanted.n)]
    else:
        pngs = await asyncio.to_thread(picture.each, images)
        data = [GeneratedImage(b64_json=b64encode(png).decode()) for png in pngs.values()]
    side = GREY_28.side * wanted.scale
    return GeneratedImages(
        created=int(time.time()), data=data, size=f"{side}x{side}", model=picture.model, seed=picture.seed
    )


@router.get("/v1/models", responses=_errors())
def list_openai_models(shelf: ShelfDep) -> OpenAIModelList:
    """The models on the shelf as OpenAI's clients ask for them: the active one first, then the newest."""
    active = shelf.active()
    cards = sorted(shelf.cards(), key=lambda card: card.model_id != active)
    return OpenAIModelList(data=[OpenAIModel.from_card(card) for card in cards])


@router.get("/v1/models/{model_id}", responses=_errors(404, 503))
def get_openai_model(model_id: str, shelf: ShelfDep) -> OpenAIModel:
    """One of them."""
    return OpenAIModel.from_card(shelf.card(model_id))
