"""/jobs: follow, list and steer training jobs, and watch them learn."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from app.curves import to_svg
from app.deps import QueueDep, SettingsDep, StoreDep
from app.problems import ProblemError, documented
from app.schemas import CurvePoint, Curves, JobPage, JobView, Sample, SampleList
from core.jobs import JobStatus
from core.queue import enqueue
from core.run_layout import attempt_dir, checkpoint_folders, sample_epochs, sample_path
from models.card import read_card

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=documented(404, 422, 503))

JobId = Annotated[str, Path(max_length=64, description="As in the answer to POST /train.")]


@router.get("")
def list_jobs(
    store: StoreDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=64, description="The last id of the page before.")] = None,
    status: JobStatus | None = None,
) -> JobPage:
    """Jobs, newest first."""
    jobs = store.page(limit + 1, after, status)
    has_more = len(jobs) > limit
    page = jobs[:limit]
    query = f"limit={limit}&after={page[-1].id}" + (f"&status={status}" if status else "") if has_more else None
    return JobPage(
        data=[JobView.from_job(job) for job in page],
        has_more=has_more,
        next=f"/jobs?{query}" if query else None,
    )


@router.get("/{job_id}")
def get_job(job_id: JobId, store: StoreDep) -> JobView:
    """Where a job is: status, progress, losses, device, error."""
    return JobView.from_job(store.get(job_id))


@router.post("/{job_id}/cancel", status_code=202, responses=documented(409))
def cancel(job_id: JobId, store: StoreDep) -> JobView:
    """Cancel a job: a queued one at once, a running one within seconds."""
    return JobView.from_job(store.cancel(job_id))


@router.post("/{job_id}/pause", status_code=202, responses=documented(409))
def pause(job_id: JobId, store: StoreDep) -> JobView:
    """Pause a job: its state is saved, and its worker is free for others."""
    return JobView.from_job(store.pause(job_id))


@router.post("/{job_id}/resume", status_code=202, responses=documented(409))
def resume(job_id: JobId, store: StoreDep, queue: QueueDep) -> JobView:
    """Go on with a paused job where it stopped."""
    job = store.resume(job_id)
    if job.status is JobStatus.QUEUED:
        enqueue(queue, job_id)
    return JobView.from_job(job)


@router.get("/{job_id}/curves", response_model=Curves, responses={200: {"content": {"image/svg+xml": {}}}})
def get_curves(
    job_id: JobId,
    store: StoreDep,
    settings: SettingsDep,
    format: Annotated[Literal["svg", "json"], Query(description="A picture, or the numbers.")] = "svg",  # noqa: A002
) -> Curves | Response:
    """Losses and scores over the epochs so far."""
    job = store.get(job_id)
    folders = checkpoint_folders(attempt_dir(settings.runs_dir, job_id, job.attempt))
    curves = Curves(data=[CurvePoint.from_card(read_card(folder)) for folder in folders])
    if format == "json":
        return curves
    return Response(to_svg(curves), media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})


@router.get("/{job_id}/samples")
def list_samples(job_id: JobId, store: StoreDep, settings: SettingsDep) -> SampleList:
    """The sample grids made so far."""
    job = store.get(job_id)
    epochs = sample_epochs(attempt_dir(settings.runs_dir, job_id, job.attempt))
    return SampleList(data=[Sample(epoch=epoch, href=f"/jobs/{job_id}/samples/{epoch}") for epoch in epochs])


@router.get("/{job_id}/samples/{epoch}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def get_sample(
    job_id: JobId,
    epoch: Annotated[int, Path(ge=0)] | Literal["latest"],
    store: StoreDep,
    settings: SettingsDep,
) -> Response:
    """64 images at fixed latents after an epoch, as a PNG; the same latents every time, so one sees them grow."""
    job = store.get(job_id)
    run_dir = attempt_dir(settings.runs_dir, job_id, job.attempt)
    epochs = sample_epochs(run_dir)
    wanted = max(epochs, default=0) if epoch == "latest" else epoch
    if wanted not in epochs:
        raise ProblemError(404, "not-found", f"job {job_id} has no sample of epoch {wanted}; there are: {epochs}")
    caching = "no-cache" if epoch == "latest" else "public, max-age=31536000, immutable"
    return FileResponse(sample_path(run_dir, wanted), media_type="image/png", headers={"Cache-Control": caching})
