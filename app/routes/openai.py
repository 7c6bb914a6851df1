"""/v1: images, and the models that draw them, for programs that speak the API of OpenAI."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from app.deps import ShelfDep, StudioDep, require_json
from app.openai_schemas import GeneratedImage, GeneratedImages, OpenAIImagesRequest, OpenAIModel, OpenAIModelList
from app.picture import Picture
from app.problems import ProblemError, answer
from app.schemas import GridQuery, OpenAIError, OpenAIErrorBody
from models.dcgan import IMAGE_SIZE
from models.errors import DigitforgeError


class _OpenAIRoute(APIRoute):
    """A route that answers errors in OpenAI's shape: what is known here as a problem, in other words."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_in_shape(request: Request) -> Response:
            try:
                return await handle(request)
            except (RequestValidationError, ProblemError, DigitforgeError) as error:
                return _in_shape(await answer(request, error))

        return handle_in_shape


def _in_shape(response: JSONResponse) -> JSONResponse:
    problem = json.loads(bytes(response.body))
    faults = problem.get("errors", [])
    # What is not in the body is `digit` of the drawing, and that came out of the prompt.
    params = [fault["pointer"].removeprefix("/") if "pointer" in fault else "prompt" for fault in faults]
    said = [f"{param}: {fault['detail']}" for param, fault in zip(params, faults, strict=True)]
    body = OpenAIErrorBody(
        message="; ".join([problem["detail"], *said]),
        type="invalid_request_error" if response.status_code < 500 else "server_error",
        param=params[0] if params else None,
        code=problem["type"],
    )
    headers = {name: response.headers[name] for name in ("retry-after",) if name in response.headers}
    return JSONResponse(OpenAIError(error=body).model_dump(), response.status_code, headers)


router = APIRouter(tags=["generate"], route_class=_OpenAIRoute)

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": OpenAIError, "description": "There is no such model; in OpenAI's shape."}
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": OpenAIError, "description": "An error in OpenAI's shape."} for status in (400, 404, 415, 422, 503)
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
    query = GridQuery(n=wanted.n, seed=wanted.seed, digit=wanted.digit, scale=wanted.scale, model=wanted.model_id)
    picture = Picture.of(query, "json", shelf, studio.judges)
    images = (await picture.draw(studio, request.is_disconnected)).images
    if wanted.wants_url:
        base = str(request.base_url).rstrip("/")
        data = [GeneratedImage(url=f"{base}{picture.alone(k).location}") for k in range(wanted.n)]
    else:
        pngs = await asyncio.to_thread(picture.each, images)
        data = [GeneratedImage(b64_json=b64encode(png).decode()) for png in pngs.values()]
    side = IMAGE_SIZE * wanted.scale
    return GeneratedImages(
        created=int(time.time()), data=data, size=f"{side}x{side}", model=picture.model, seed=picture.seed
    )


@router.get("/v1/models")
def list_openai_models(shelf: ShelfDep) -> OpenAIModelList:
    """The models on the shelf as OpenAI's clients ask for them: the active one first, then the newest."""
    active = shelf.active()
    cards = sorted(shelf.cards(), key=lambda card: card.model_id != active)
    return OpenAIModelList(data=[OpenAIModel.from_card(card) for card in cards])


@router.get("/v1/models/{model_id}", responses=NOT_FOUND)
def get_openai_model(model_id: str, shelf: ShelfDep) -> OpenAIModel:
    """One of them."""
    return OpenAIModel.from_card(shelf.card(model_id))
