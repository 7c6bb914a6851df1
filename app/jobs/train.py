"""POST /train: take a training job."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from app.http.dependencies import ServicesDep, require_json
from app.http.json_body import JsonRoute
from app.http.problems import FieldProblem, documented, not_accepted
from app.http.urls import url
from app.jobs.request import TrainRequest
from app.jobs.views import JobView
from core.datasets import dataset_names, why_no_dataset
from jobs.queue import nudge

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
    request: TrainRequest | None = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$",
            description="Any word of your own: the same key and request again are answered as the first time, and make "
            "no second job. Kept for 24 hours.",
        ),
    ] = None,
) -> JobView:
    """Queue a training job. Follow it at the URL in `Location`."""
    spec = (request or TrainRequest()).to_spec()
    datasets = services.settings.datasets_dir
    if spec.recipe.dataset not in dataset_names(datasets):
        detail = why_no_dataset(datasets, spec.recipe.dataset)
        fault = FieldProblem(pointer="/dataset", detail=detail, value=spec.recipe.dataset)
        raise not_accepted([fault])
    job, replayed = services.store.create(spec, idempotency_key)
    nudge(services.queue, job.id)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    response.headers["Location"] = url(f"/jobs/{job.id}")
    return JobView.from_job(job)
