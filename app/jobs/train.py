"""POST /train: take a training job."""

from functools import partial

from fastapi import APIRouter, Depends, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.http.dependencies import ServicesDep, require_json
from app.http.guard import AccountDep, OriginDep
from app.http.idempotency import IdempotencyKey
from app.http.json_body import JsonRoute
from app.http.problems import FieldProblem, ProblemError, documented, not_accepted
from app.http.services import Services
from app.http.urls import url
from app.jobs.request import TrainRequest, misfits
from app.jobs.views import JobView
from core.access import Limits
from core.dataset_card import DatasetCard
from core.datasets import dataset_names, why_no_dataset
from core.errors import DatasetDeleted, DatasetNotFound
from core.recipe import PRESETS, PROPOSED
from jobs.queue import nudge
from jobs.record import JobOrigin, TrainSpec
from jobs.store import Created

router = APIRouter(tags=["train"], route_class=JsonRoute)


@router.post(
    "/train",
    status_code=202,
    dependencies=[Depends(require_json)],
    responses=documented(400, 413, 415, 422, 429, 503),
)
def train(
    response: Response,
    services: ServicesDep,
    origin: OriginDep,
    account: AccountDep,
    request: TrainRequest | None = None,
    idempotency_key: IdempotencyKey = None,
) -> JobView:
    """Queue a training job. Follow it at the URL in `Location`."""
    spec = spec_of(request or TrainRequest(), services)
    job, replayed, level_us = _create(spec, services, idempotency_key, origin, account.limits)
    nudge(services.queue, job.id)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    else:
        account.note_job(level_us)
    response.headers["Location"] = url(f"/jobs/{job.id}")
    return JobView.from_job(job)


def _create(
    spec: TrainSpec, services: Services, idempotency_key: str | None, origin: JobOrigin, limits: Limits
) -> Created:
    """Make the job, and have its data set not be deleted before it is there. Raises ShelfBusy and StoreAway."""
    create = partial(services.store.create, spec, idempotency_key, origin, limits)
    if spec.dataset_id is None:
        return create()
    created = None
    try:
        with services.datasets.keeping(spec.dataset_id):
            created = create()
    except DatasetDeleted as error:
        if created is not None and not created.replayed:
            services.store.take_back(created.job.id)
        raise _without_images(spec.recipe.dataset) from error
    return created


def _without_images(name_or_id: str) -> ProblemError:
    detail = "the data set was deleted: its images are gone"
    return not_accepted([FieldProblem(pointer="/dataset", detail=detail, value=name_or_id)])


def spec_of(request: TrainRequest, services: Services) -> TrainSpec:
    """The recipe in full. Raises for what cannot be trained, with the field, its value and what is allowed."""
    folders, faults = services.settings.datasets_dir, list[FieldProblem]()
    try:
        if request.dataset in dataset_names(folders):
            spec = request.for_folder()
            if request.preset == PROPOSED:
                detail = f"only an imported data set proposes a recipe; allowed: {', '.join(PRESETS)}"
                faults = [FieldProblem(pointer="/preset", detail=detail, value=PROPOSED)]
        else:
            card = _imported(request.dataset, services)
            spec = request.for_imported(card)
            faults = list(misfits(spec.recipe, card))
    except ValidationError as error:
        details = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(details, body=request.model_dump()) from error
    if faults:
        raise not_accepted(faults)
    return spec


def _imported(name_or_id: str, services: Services) -> DatasetCard:
    shelf = services.datasets
    try:
        dataset_id = shelf.find_now(name_or_id)
    except DatasetNotFound as error:
        detail = why_no_dataset(services.settings.datasets_dir, name_or_id, also=list(shelf.names()))
        raise not_accepted([FieldProblem(pointer="/dataset", detail=detail, value=name_or_id)]) from error
    if not shelf.has_images(dataset_id):
        raise _without_images(name_or_id)
    return shelf.card(dataset_id)
