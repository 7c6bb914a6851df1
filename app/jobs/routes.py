"""/jobs: follow, list, steer and delete jobs."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from app.http.dependencies import UNCHANGED, IfNoneMatch, ServicesDep
from app.http.guard import CallerDep
from app.http.negotiation import is_known
from app.http.parameters import StrictRoute
from app.http.problems import documented
from app.http.urls import url
from app.jobs.open_streams import held_open
from app.jobs.own import OwnJobDep, SeenJobDep
from app.jobs.views import AnyJobView, JobPage, to_view
from app.uploads.receiving import drop_body
from jobs.feed import EventId
from jobs.queue import nudge
from jobs.record import ImportSpec, Job, JobStatus, TrainSpec

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=documented(404, 422, 503), route_class=StrictRoute)


@router.get("")
def list_jobs(
    services: ServicesDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=64, description="The last id of the page before.")] = None,
    status: JobStatus | None = None,
) -> JobPage:
    """Jobs, newest first: one's own, and for `admin` and `watch` all."""
    own = None if caller.sees_all else caller.id
    event = services.store.newest_event()  # before the jobs: rather told twice than missed
    jobs = services.store.page(limit + 1, after, status, own)
    has_more = len(jobs) > limit
    page = jobs[:limit]
    query = f"limit={limit}&after={page[-1].id}" + (f"&status={status}" if status else "") if has_more else None
    return JobPage(
        data=[to_view(job) for job in page],
        event=event,
        has_more=has_more,
        next=url(f"/jobs?{query}") if query else None,
    )


@router.get("/{job_id}", response_model=AnyJobView, responses={**UNCHANGED, **documented(429)})
async def get_job(
    job: SeenJobDep,
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    if_none_match: IfNoneMatch,
    wait: Annotated[
        float, Query(ge=0, le=30, description="With If-None-Match: answer when something changes, or after so many s.")
    ] = 0.0,
) -> AnyJobView | Response:
    """Where a job is: status, progress, error; what is trained or imported."""
    if wait > 0 and is_known(if_none_match, _etag(job)):
        with held_open(services, caller):
            await services.feed.wait(job.id, EventId.parse(job.event), 1, int(wait * 1000))
        job = await run_in_threadpool(services.store.get, job.id)
    headers = {"ETag": _etag(job), "Cache-Control": "no-cache"}
    if is_known(if_none_match, _etag(job)):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return to_view(job)


@router.post("/{job_id}/cancel", status_code=202, responses=documented(409))
def cancel(job: OwnJobDep, services: ServicesDep) -> AnyJobView:
    """Cancel a job: a queued one at once, a running one within seconds."""
    return to_view(services.store.cancel(job.id))


@router.post("/{job_id}/pause", status_code=202, responses=documented(409))
def pause(job: OwnJobDep, services: ServicesDep) -> AnyJobView:
    """Pause a job: its state is saved, and its worker is free for others. An import starts over when it is resumed."""
    return to_view(services.store.pause(job.id))


@router.post("/{job_id}/resume", status_code=202, responses=documented(409))
def resume(job: OwnJobDep, services: ServicesDep) -> AnyJobView:
    """Go on with a paused job where it stopped."""
    resumed = services.store.resume(job.id)
    if resumed.status is JobStatus.QUEUED and isinstance(resumed.spec, TrainSpec):
        nudge(services.queue, resumed.id)
    return to_view(resumed)


@router.delete("/{job_id}", status_code=204, responses=documented(409))
def delete(job: OwnJobDep, services: ServicesDep) -> None:
    """Delete a job that has ended, with its files; a model or data set that came of it stays."""
    services.store.delete(job.id)
    if isinstance(job.spec, ImportSpec):
        drop_body(services, job.spec.upload)
    if services.runs.remove(job.id):  # else a sweeper will try again
        services.store.forget(job.id)


def _etag(job: Job) -> str:
    """Every change of a job is told by an event."""
    return f'"{job.event}"'
