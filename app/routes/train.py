"""POST /train: take a training job."""

import logging

from fastapi import APIRouter, Depends, Response
from kombu.exceptions import OperationalError

from app.deps import QueueDep, SettingsDep, StoreDep, require_json
from app.problems import FieldProblem, ProblemError, documented
from app.schemas import JobView, TrainRequest
from core.queue import enqueue

router = APIRouter(tags=["train"])
logger = logging.getLogger(__name__)


@router.post(
    "/train",
    status_code=202,
    dependencies=[Depends(require_json)],
    responses=documented(400, 413, 415, 422, 503),
)
def train(
    response: Response, store: StoreDep, queue: QueueDep, settings: SettingsDep, request: TrainRequest | None = None
) -> JobView:
    """Queue a training job. Follow it at the URL in `Location`."""
    spec = (request or TrainRequest()).to_spec()
    known = sorted(path.name for path in settings.datasets_dir.iterdir() if path.is_dir())
    if spec.recipe.dataset not in known:
        detail = f"there is no such data set; allowed: {', '.join(known)}"
        fault = FieldProblem(pointer="/dataset", detail=detail, value=spec.recipe.dataset)
        raise ProblemError(422, "invalid-parameter", "not accepted: /dataset", [fault])
    job = store.create(spec)
    try:
        enqueue(queue, job.id)
    except OperationalError as error:
        logger.warning("job %s: its message could not be sent, the sweeper will: %s", job.id, error)
    response.headers["Location"] = f"/jobs/{job.id}"
    return JobView.from_job(job)
