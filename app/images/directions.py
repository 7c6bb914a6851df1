"""GET /models/{model_id}/directions: along which directions of z the images of a model change most."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from app.http.dependencies import UNCHANGED, IfNoneMatch, ServicesDep
from app.http.guard import caller_of
from app.http.negotiation import is_known
from app.http.parameters import StrictRoute
from app.http.problems import documented
from app.http.urls import url
from app.images.checkpoints import find_checkpoint, is_name
from app.images.location import etag
from app.images.rendering import directions_of

router = APIRouter(tags=["models"], route_class=StrictRoute)

DECIMALS = 6  # of a share: fewer than machines agree on
FOREVER = "public, max-age=31536000, immutable"


class DirectionView(BaseModel):
    """A direction of z, as `nudge` of `/generate` takes it."""

    number: int
    share: float = Field(description="How much of the change of G's first layer lies along it, of 1.")


class DirectionList(BaseModel):
    """All directions of a model, that of the largest change first."""

    model: str
    data: list[DirectionView]


@router.get(
    "/models/{model_id}/directions",
    response_model=DirectionList,
    responses={**UNCHANGED, **documented(404, 422, 503)},
)
async def list_directions(
    request: Request,
    model_id: Annotated[str, Path(max_length=64, description="The first 16 hex digits of the generator's SHA-256.")],
    services: ServicesDep,
    if_none_match: IfNoneMatch,
) -> Response:
    """The directions of z along which the images of a model change most, from its first layer (SeFa)."""
    found = await find_checkpoint(services, caller_of(request), model_id) if is_name(model_id) else None
    if found is None:
        await services.looker.find(partial(services.shelf.folder, model_id))
    tag = etag(url(f"/models/{model_id}/directions"), found.card.model_id if found else None)
    is_fixed = found is None or (found.is_lasting and found.name == model_id)
    headers = {"ETag": tag, "Cache-Control": FOREVER if is_fixed else "no-cache"}
    if is_known(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    models = services.renderer.models
    directions = await directions_of(await (found.generator(models) if found else models.get(model_id)))
    data = [DirectionView(number=k, share=round(share, DECIMALS)) for k, share in enumerate(directions.shares)]
    content = DirectionList(model=model_id, data=data).model_dump_json()
    return Response(content, media_type="application/json", headers=headers)
