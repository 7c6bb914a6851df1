"""POST /inspect: what a PNG says of where it came from."""

from functools import partial

from fastapi import APIRouter, Depends, Request

from app.http.dependencies import ServicesDep, require_png
from app.http.parameters import StrictRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.http.urls import url
from app.images.location import location
from app.images.origin import NoOrigin, NotAPng, read, recall
from app.images.views import Inspection
from core.errors import ModelNotFound

router = APIRouter(tags=["generate"], route_class=StrictRoute)

PNG_BODY = {"requestBody": {"required": True, "content": {"image/png": {"schema": {"format": "binary"}}}}}


@router.post(
    "/inspect",
    dependencies=[Depends(require_png)],
    openapi_extra=PNG_BODY,
    responses=documented(413, 415, 422),
)
async def inspect(request: Request, services: ServicesDep) -> Inspection:
    """What a PNG from `/generate` says of itself: model, seed, which images, and the URL that draws it again.

    It is the file's word: whoever alters the pixels can leave the text. The URL draws what it should show.
    """
    try:
        picture = recall(read(await request.body()))
    except NotAPng as error:
        raise ProblemError(ProblemType.NOT_A_PNG, f"the body is not a PNG: {error}") from error
    except NoOrigin as error:
        raise ProblemError(ProblemType.NO_PROVENANCE, f"the PNG does not say where it came from: {error}") from error
    return Inspection(
        model=picture.model,
        weights=picture.model_id,
        on_shelf=await _is_on_shelf(services, picture.model_id),
        seed=picture.seed,
        at=picture.at,
        start=picture.start,
        n=picture.n,
        digit=picture.digit,
        class_=picture.class_,
        nudge=picture.nudge,
        judge=picture.judge,
        url=url(location(picture)),
    )


async def _is_on_shelf(services: ServicesDep, model_id: str) -> bool:
    try:
        await services.looker.find(partial(services.shelf.folder, model_id))
    except ModelNotFound:
        return False
    return True
