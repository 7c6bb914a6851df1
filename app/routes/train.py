"""POST /train: take a training job."""

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from kombu.exceptions import OperationalError

from app.deps import QueueDep, SettingsDep, StoreDep, require_json
from app.json_body import JsonRoute
from app.problems import FieldProblem, ProblemError, documented
from app.schemas import JobView, TrainRequest
from app.urls import url
from core.queue import enqueue

router = APIRouter(tags=["train"], route_class=JsonRoute)
logger = logging.getLogger(__name__)


@router.post(
    "/train",
    status_code=202,
    dependencies=[Depends(require_json)],
    responses=documented(400, 413, 415, 422, 429, 503),
)
def train(
    response: Response,
    store: StoreDep,
    queue: QueueDep,
    settings: SettingsDep,
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
    known = sorted(path.name for path in settings.datasets_dir.iterdir() if path.is_dir())
    if spec.recipe.dataset not in known:
        detail = f"there is no such data set; allowed: {', '.join(known)}"
        fault = FieldProblem(pointer="/dataset", detail=detail, value=spec.recipe.dataset)
        raise ProblemError(422, "invalid-parameter", "not accepted: /dataset", [fault])
    job, replayed = store.create(spec, idempotency_key)
    try:
        enqueue(queue, job.id)
    except OperationalError as error:
        logger.warning("job %s: its message could not be sent, the sweeper will: %s", job.id, error)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    response.headers["Location"] = url(f"/jobs/{job.id}")
    return JobView.from_job(job)
