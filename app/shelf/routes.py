"""/models: the shelf, and which model is active."""

from functools import partial
from itertools import islice
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool

from app.http.dependencies import MERGE_PATCH, ServicesDep, require_json, require_merge_patch
from app.http.json_body import JsonRoute
from app.http.problems import FieldProblem, documented, not_accepted
from app.http.urls import url
from app.shelf.active import active_model
from app.shelf.fields import Fields
from app.shelf.notes import NotesPatch
from app.shelf.views import ActivateRequest, ActiveIds, ModelPage, ModelView, PartialModelPage, view
from core.errors import ModelNotFound
from models.notes import NO_NOTES

router = APIRouter(prefix="/models", tags=["models"], responses=documented(404, 422), route_class=JsonRoute)

ModelId = Annotated[str, Path(max_length=64, description="The first 16 hex digits of the generator's SHA-256.")]
PATCH_BODY = {
    "requestBody": {"content": {MERGE_PATCH: {"schema": {"$ref": f"#/components/schemas/{NotesPatch.__name__}"}}}}
}
DatasetParameter = Annotated[str | None, Query(max_length=64, description="The name of a data set.")]


@router.get("")
def list_models(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=64, description="The last id of the page before.")] = None,
    dataset: DatasetParameter = None,
    label: Annotated[str | None, Query(max_length=129, description="A label: its word, or `word=value`.")] = None,
    fields: Annotated[
        str | None, Query(max_length=500, description="Parts of a model and of its card, with commas between.")
    ] = None,
) -> ModelPage | PartialModelPage:
    """The models on the shelf, newest first, with their cards; of a data set, or with a label."""
    shelf, active, shown = services.shelf, ActiveIds.on(services.shelf), None if fields is None else Fields(fields)
    notes = shelf.every_notes()
    cards = (shelf.card_if_sound(entry.model_id) for entry in shelf.listed(after, dataset, label))
    found = list(islice((card for card in cards if card), limit + 1))
    views = [ModelView.of(card, notes.get(card.model_id, NO_NOTES), active) for card in found[:limit]]
    has_more = len(found) > limit
    page = ModelPage(
        data=views,
        has_more=has_more,
        next=_page_url(limit, after=views[-1].id, dataset=dataset, label=label, fields=fields) if has_more else None,
        active=active.overall,
        previous=shelf.previous(),
        datasets=dict(active.by_dataset),
    )
    return page if shown is None else shown.of_page(page)


@router.put("/active", dependencies=[Depends(require_json)], responses=documented(503))
async def activate(request: ActivateRequest, services: ServicesDep) -> ModelView:
    """Make a model the one that `/generate` draws from, and that of its data set. Answers once it is loaded and warm.

    It asks no gate: whoever calls it has decided.
    """
    shelf, dataset = services.shelf, request.dataset
    if request.model == "previous":
        await run_in_threadpool(shelf.catch_up)
    model_id = shelf.previous(dataset) if request.model == "previous" else request.model
    if model_id is None:
        raise ModelNotFound("no model was active before the one that is")
    trained_on = (await services.looker.find(partial(shelf.card, model_id))).recipe.dataset
    if dataset not in (None, trained_on):
        detail = f"the model {model_id} was trained on {trained_on!r}; allowed: this, or none"
        raise not_accepted([FieldProblem(pointer="/dataset", detail=detail, value=dataset)])
    await services.renderer.warm_up(model_id)
    change = partial(shelf.activate, model_id, overall=dataset is None)
    card = await run_in_threadpool(change)  # which waits for whoever else changes it
    return view(shelf, card)


@router.get("/active")
def get_active_model(services: ServicesDep, dataset: DatasetParameter = None) -> ModelView:
    """The active model with its card; with `dataset`, that of the data set."""
    shelf = services.shelf
    return view(shelf, shelf.card(active_model(services, dataset)))


@router.get("/{model_id}")
async def get_model(model_id: ModelId, services: ServicesDep) -> ModelView:
    """One model with its card."""
    shelf = services.shelf
    await services.looker.find(partial(shelf.folder, model_id))
    return await run_in_threadpool(lambda: view(shelf, shelf.card(model_id)))


@router.patch(
    "/{model_id}",
    dependencies=[Depends(require_merge_patch)],
    openapi_extra=PATCH_BODY,
    responses=documented(400, 415, 503),
)
def change_notes(model_id: ModelId, patch: NotesPatch, services: ServicesDep) -> ModelView:
    """Change the labels and the note of a model, by a merge patch (RFC 7396). The checkpoint never changes."""
    shelf = services.shelf
    shelf.change_notes(model_id, patch.apply)
    return view(shelf, shelf.card(model_id))


@router.delete("/{model_id}", status_code=204, responses=documented(409, 503))
def delete_model(model_id: ModelId, services: ServicesDep) -> None:
    """Delete a model that is not active, and was not just before one became it. The same weights bring it back."""
    services.shelf.delete(model_id)


def _page_url(limit: int, **parameters: str | None) -> str:
    asked = {name: value for name, value in parameters.items() if value is not None}
    return url(f"/models?{urlencode({'limit': limit, **asked}, safe=',')}")
