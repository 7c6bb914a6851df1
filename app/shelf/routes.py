"""/models: the shelf, and which model is active."""

from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool

from app.http.dependencies import ServicesDep, require_json
from app.http.json_body import JsonRoute
from app.http.problems import FieldProblem, documented, not_accepted
from app.http.urls import url
from app.shelf.active import active_model
from app.shelf.views import ActivateRequest, ActiveIds, ModelPage, ModelView
from core.errors import ModelNotFound

router = APIRouter(prefix="/models", tags=["models"], responses=documented(404, 422), route_class=JsonRoute)

ModelId = Annotated[str, Path(max_length=64, description="The first 16 hex digits of the generator's SHA-256.")]
DatasetParameter = Annotated[str | None, Query(max_length=64, description="The name of a data set.")]


@router.get("")
def list_models(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=64, description="The last id of the page before.")] = None,
    dataset: DatasetParameter = None,
) -> ModelPage:
    """The models on the shelf, newest first, with their cards; with `dataset`, those that were trained on it."""
    shelf, active = services.shelf, ActiveIds.on(services.shelf)
    cards = shelf.cards(limit + 1, after, dataset)
    page, has_more = cards[:limit], len(cards) > limit
    of_it = "" if dataset is None else f"&dataset={quote(dataset)}"
    return ModelPage(
        data=[ModelView.from_card(card, active) for card in page],
        has_more=has_more,
        next=url(f"/models?limit={limit}&after={page[-1].model_id}{of_it}") if has_more else None,
        active=active.overall,
        previous=shelf.previous(),
        datasets=dict(active.by_dataset),
    )


@router.put("/active", dependencies=[Depends(require_json)], responses=documented(503))
async def activate(request: ActivateRequest, services: ServicesDep) -> ModelView:
    """Make a model the one that `/generate` draws from, and that of its data set. Answers once it is loaded and warm.

    It asks no gate: whoever calls it has decided.
    """
    shelf, dataset = services.shelf, request.dataset
    model_id = shelf.previous(dataset) if request.model == "previous" else request.model
    if model_id is None:
        raise ModelNotFound("no model was active before the one that is")
    trained_on = shelf.card(model_id).recipe.dataset
    if dataset not in (None, trained_on):
        detail = f"the model {model_id} was trained on {trained_on!r}; allowed: this, or none"
        raise not_accepted([FieldProblem(pointer="/dataset", detail=detail, value=dataset)])
    await services.renderer.warm_up(model_id)
    change = partial(shelf.activate, model_id, overall=dataset is None)
    card = await run_in_threadpool(change)  # which waits for whoever else changes it
    return ModelView.from_card(card, ActiveIds.on(shelf))


@router.get("/active")
def get_active_model(services: ServicesDep, dataset: DatasetParameter = None) -> ModelView:
    """The active model with its card; with `dataset`, that of the data set."""
    shelf = services.shelf
    return ModelView.from_card(shelf.card(active_model(services, dataset)), ActiveIds.on(shelf))


@router.get("/{model_id}")
def get_model(model_id: ModelId, services: ServicesDep) -> ModelView:
    """One model with its card."""
    return ModelView.from_card(services.shelf.card(model_id), ActiveIds.on(services.shelf))
