"""/models: the shelf, and which model is active."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.concurrency import run_in_threadpool

from app.http.dependencies import ServicesDep, require_json
from app.http.json_body import JsonRoute
from app.http.problems import documented
from app.shelf.views import ActivateRequest, ModelList, ModelView
from core.errors import ModelNotFound

router = APIRouter(prefix="/models", tags=["models"], responses=documented(404, 422), route_class=JsonRoute)

ModelId = Annotated[str, Path(max_length=64, description="The first 16 hex digits of the generator's SHA-256.")]


@router.get("")
def list_models(services: ServicesDep) -> ModelList:
    """The models on the shelf, newest first, with their cards."""
    shelf, active = services.shelf, services.shelf.active()
    return ModelList(
        data=[ModelView.from_card(card, active) for card in shelf.cards()], active=active, previous=shelf.previous()
    )


@router.put("/active", dependencies=[Depends(require_json)], responses=documented(503))
async def activate(request: ActivateRequest, services: ServicesDep) -> ModelView:
    """Make a model the one that `/generate` draws from. Answers once it is loaded and warm.

    It asks no gate: whoever calls it has decided.
    """
    shelf = services.shelf
    model_id = shelf.previous() if request.model == "previous" else request.model
    if model_id is None:
        raise ModelNotFound("no model was active before the one that is")
    shelf.folder(model_id)
    await services.renderer.warm_up(model_id)
    card = await run_in_threadpool(shelf.activate, model_id)  # which waits for whoever else changes it
    return ModelView.from_card(card, model_id)


@router.get("/active")
def get_active_model(services: ServicesDep) -> ModelView:
    """The active model with its card."""
    active = services.shelf.active()
    return ModelView.from_card(services.shelf.card(active), active)


@router.get("/{model_id}")
def get_model(model_id: ModelId, services: ServicesDep) -> ModelView:
    """One model with its card."""
    return ModelView.from_card(services.shelf.card(model_id), services.shelf.active())
