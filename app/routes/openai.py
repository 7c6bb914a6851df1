"""POST /v1/images/generations: images for programs that speak the API of OpenAI."""

import asyncio
import time
from base64 import b64encode
from typing import Any

from fastapi import APIRouter, Depends, Request

from app.deps import ShelfDep, StudioDep, require_json
from app.json_body import JsonRoute
from app.picture import Picture, any_seed
from app.schemas import GeneratedImage, GeneratedImages, GridQuery, OpenAIError, OpenAIImagesRequest

router = APIRouter(tags=["generate"], route_class=JsonRoute)

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": OpenAIError, "description": "An error in OpenAI's shape."}
    for status in (400, 404, 415, 422, 503, "default")
}


@router.post(
    "/v1/images/generations",
    dependencies=[Depends(require_json)],
    responses=ERRORS,
    response_model_exclude_none=True,
)
async def generate_images(
    request: Request, wanted: OpenAIImagesRequest, shelf: ShelfDep, studio: StudioDep
) -> GeneratedImages:
    """Images as OpenAI's clients ask for them. The digits in the prompt are drawn in their order, or else any."""
    model_id = wanted.model or shelf.active()
    shelf.folder(model_id)
    seed = any_seed() if wanted.seed is None else wanted.seed
    query = GridQuery(n=wanted.n, digit=wanted.digit, scale=wanted.scale)
    picture = Picture(query, model_id, seed, "json")
    images = (await picture.draw(studio, request.is_disconnected)).images
    if wanted.response_format == "b64_json":
        pngs = await asyncio.to_thread(picture.each, images)
        data = [GeneratedImage(b64_json=b64encode(png).decode()) for png in pngs.values()]
    else:
        base = str(request.base_url).rstrip("/")
        data = [GeneratedImage(url=f"{base}{picture.alone(k).location}") for k in range(wanted.n)]
    return GeneratedImages(created=int(time.time()), data=data, model=model_id, seed=seed)
