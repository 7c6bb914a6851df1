"""GET /neighbours: the training images nearest to a drawn one, to tell a likeness from a copy."""

from base64 import b64encode
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from app.http.bearer import not_allowed
from app.http.clients import has_gone
from app.http.dependencies import UNCHANGED, ServicesDep
from app.http.guard import account_of, caller_of
from app.http.negotiation import is_known
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, documented, not_accepted
from app.http.query_route import QueryRoute
from app.http.services import Services
from app.http.urls import url
from app.images.accepted import accepted
from app.images.checkpoints import Checkpoint, find_checkpoint, is_name, while_it_comes_again
from app.images.classes import in_canonical_words
from app.images.formats import MEDIA_TYPES
from app.images.location import PATH, etag, location
from app.images.picture import Picture
from app.images.query import GridQuery
from app.images.rendering import drawn_by, new_seed, render
from app.images.routes import caching
from app.images.rules import check
from app.images.training_sets import Neighbours
from core.access import Scope
from core.card import Card
from core.errors import DatasetDeleted
from models.grid import tile, to_png

router = APIRouter(tags=["generate"], route_class=QueryRoute)

Kind = Literal["json", "png"]
KINDS: tuple[Kind, ...] = ("json", "png")


class NeighboursQuery(GridQuery):
    """One image as `/generate` is asked for it, and how many neighbours."""

    n: int = Field(1, ge=1, le=1, description="One image.")
    format: Kind | None = Field(
        None,
        description="As `json`, or all side by side as a `png`, the drawn image first. Without it, as `Accept` says.",
    )
    k: int = Field(8, ge=1, le=32, description="How many neighbours.")


class NeighbourView(BaseModel):
    """A training image."""

    image: int = Field(description="Its number in the data set.")
    class_: str | None = Field(serialization_alias="class", description="Its class; null where there are no labels.")
    distance: float = Field(description="Root mean square of the differences of grey values: 0 (a copy) to 255.")
    png: str = Field(description="The PNG in base64.")


class NeighboursView(BaseModel):
    """The training images nearest to a drawn one."""

    model: str
    picture: str = Field(description="The URL that draws the image.")
    dataset: str = Field(description="The data set that the model was trained on.")
    images: int = Field(description="How many training images were compared: all of them.")
    typical: float | None = Field(
        description="The distance of test images, which are no copies, from the nearest training image: the median of "
        "a sample of up to 256. Null where there are no test images."
    )
    data: list[NeighbourView] = Field(description="The nearest first; of equally near ones that of the lower number.")


@router.get(
    "/neighbours",
    response_class=Response,
    responses={
        200: {
            "content": {MEDIA_TYPES[kind][0]: {} for kind in KINDS},
            "model": NeighboursView,
            "description": "The neighbours, in the format that was asked for.",
        },
        **UNCHANGED,
        **documented(404, 406, 410, 422, 429, 503),
    },
)
async def get_neighbours(
    request: Request, services: ServicesDep, query: Annotated[NeighboursQuery, Query()]
) -> Response:
    """The training images nearest to an image that a model draws, of all that it was trained on."""
    return await while_it_comes_again(partial(_neighbours, request, services, query))


async def _neighbours(request: Request, services: Services, query: NeighboursQuery) -> Response:
    caller, accept = caller_of(request), ",".join(request.headers.getlist("accept"))
    kind: Kind = "png" if (query.format or accepted(accept, KINDS)) == "png" else "json"
    checkpoint = await find_checkpoint(services, caller, query.model or "") if is_name(query.model) else None
    card, judge = await _drawer(services, query, checkpoint)
    picture = _picture(query, kind, card, judge, checkpoint)
    try:
        imported = await run_in_threadpool(services.training_sets.imported, card)
    except DatasetDeleted as error:
        raise ProblemError(ProblemType.DATASET_DELETED, str(error)) from error
    if imported and not caller.may(Scope.JOBS_READ):  # as for its images by themselves
        raise not_allowed(caller, Scope.JOBS_READ)
    place = url(f"{location(replace(picture, format=kind)).replace(PATH, '/neighbours', 1)}&k={query.k}")
    tag = etag(place, picture.weights)
    headers = {
        "X-Seed": str(picture.seed),
        "X-Model-Id": picture.model_id,
        "Content-Location": place,
        "ETag": tag,
        "Cache-Control": caching(query, picture, checkpoint),
    }
    if imported and query.names_seeds:
        headers["Cache-Control"] = "no-cache"  # once the data set is deleted, nobody is to be given its images
    if query.format is None:
        headers["Vary"] = "Accept"
    if query.names_seeds and is_known(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    data = services.pictures.get(tag) if query.names_seeds else None
    if data is None:
        with (account := account_of(request)).images(1):
            gone = partial(has_gone, request)
            [image] = (await render(picture, services.renderer, gone, account.caller, checkpoint)).images
        search = partial(services.training_sets.search, card, image, query.k)
        try:
            found = await services.searches.run(request, search)
        except DatasetDeleted as error:
            raise ProblemError(ProblemType.DATASET_DELETED, str(error)) from error
        make = _png if kind == "png" else _json
        data = await run_in_threadpool(make, picture, card, image, found)
        if query.names_seeds:
            services.pictures.keep(tag, data)
    return Response(data, media_type=MEDIA_TYPES[kind][0], headers=headers)


async def _drawer(services: Services, query: GridQuery, checkpoint: Checkpoint | None) -> tuple[Card, str | None]:
    """The card of what draws, and the judge if one picks."""
    if checkpoint is None:
        model, judge = await services.looker.find(partial(drawn_by, query, services))
        return services.renderer.models.card(model), judge
    judges = services.renderer.judges
    return checkpoint.card, judges.choose(checkpoint.card, query.judge) if query.wants_classes else None


def _picture(
    query: NeighboursQuery, kind: Kind, card: Card, judge: str | None, checkpoint: Checkpoint | None
) -> Picture:
    """The image alone. Raises ProblemError (422)."""
    if query.interpolate is not None:
        detail = "a walk is of many images; allowed: an image of a seed"
        raise not_accepted([FieldProblem(parameter="interpolate", detail=detail, value=query.interpolate)])
    own = {"k", "format"} if kind == "png" else {"k", "format", "pad"}  # which JSON has no use for
    plain = GridQuery.model_validate({**query.model_dump(by_alias=True, exclude_unset=True, exclude=own), "n": 1})
    picture = in_canonical_words(Picture.of(plain, "png", card.model_id, judge, new_seed()), card)
    check(plain, picture, card.image_shape, card.recipe.z_dim)
    return replace(picture, model=checkpoint.name, weights=card.model_id) if checkpoint else picture


def _json(picture: Picture, card: Card, image: np.ndarray, found: Neighbours) -> bytes:
    views = [
        NeighbourView(
            image=one.number,
            class_=one.class_name,
            distance=one.distance,
            png=b64encode(_one(picture, one.pixels)).decode(),
        )
        for one in found.nearest
    ]
    view = NeighboursView(
        model=picture.model,
        picture=url(location(picture)),
        dataset=card.recipe.dataset,
        images=found.images,
        typical=found.typical,
        data=views,
    )
    return view.model_dump_json(by_alias=True).encode()


def _one(picture: Picture, pixels: np.ndarray) -> bytes:
    return to_png(tile(_shown(picture, pixels[np.newaxis]), 1, 0, picture.scale))


def _png(picture: Picture, card: Card, image: np.ndarray, found: Neighbours) -> bytes:
    row = _shown(picture, np.stack([image, *(one.pixels for one in found.nearest)]))
    return to_png(tile(row, len(row), picture.pad, picture.scale, 255 if picture.invert else 0))


def _shown(picture: Picture, images: np.ndarray) -> np.ndarray:
    return 255 - images if picture.invert else images
