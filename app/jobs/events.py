"""GET /jobs/{job_id}/events: a job's events as they happen, or a page of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from random import randint
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.sse import format_sse_event
from redis import RedisError

from app.http.clients import has_hung_up
from app.http.dependencies import ServicesDep
from app.http.guard import CallerDep
from app.http.negotiation import accepted
from app.http.parameters import StrictRoute
from app.http.problems import FieldProblem, documented, not_accepted
from app.http.services import Services
from app.http.urls import url
from app.jobs.open_streams import HeldOpen
from app.jobs.own import SeenJobDep
from app.jobs.views import EventPage, EventView
from core.access import Caller
from jobs.feed import FIRST, EventId
from jobs.redis_away import is_redis_away

router = APIRouter(prefix="/jobs", tags=["jobs"], responses=documented(404, 422, 429, 503), route_class=StrictRoute)

Format = Literal["sse", "json"]

FORMATS: dict[Format, tuple[str, ...]] = {"sse": ("text/event-stream",), "json": ("application/json",)}
STREAMED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would hold it back to fill a buffer
BATCH = 100
PING_S = 15.0
WAIT_MS = 1000, 2000  # also how soon a stream notices that the server is closing, or that its client has hung up
RETRY_S = 1.0
ALLOWED_IDS = "allowed: the id of an event, such as 1700000000000-0; each number is less than 2^64"


@router.get(
    "/{job_id}/events",
    response_model=EventPage,
    responses={200: {"content": {"text/event-stream": {}}}, 204: {"description": "The job has ended, all was told."}},
)
async def get_events(
    request: Request,
    response: Response,
    job: SeenJobDep,
    services: ServicesDep,
    caller: CallerDep,
    last_event_id: Annotated[str | None, Header(description="Go on after this event.")] = None,
    after: Annotated[str | None, Query(description="As Last-Event-ID, which goes before it.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Events in a page of JSON.")] = 100,
    format: Annotated[  # noqa: A002
        Format | None, Query(description="Without it, as `Accept` says; `sse` where it does not.")
    ] = None,
) -> EventPage | Response:
    """What becomes of a job: a stream of server-sent events, or a page of JSON.

    The stream begins with the first event, or after the one in `Last-Event-ID`, and ends with the job. Not one event
    is missed or told twice over a reconnect or a restart of the server.
    """
    start = start_of(last_event_id, after) or FIRST
    vary = {} if format else {"Vary": "Accept"}
    if (format or accepted(request, FORMATS) or "sse") == "json":
        response.headers.update(vary)
        events = await services.feed.read(job.id, start, limit + 1)
        page, has_more = events[:limit], len(events) > limit
        follow = url(f"/jobs/{job.id}/events?format=json&limit={limit}&after={page[-1].id}") if has_more else None
        return EventPage(data=[EventView.from_event(event) for event in page], has_more=has_more, next=follow)
    if job.status.is_terminal and start >= EventId.parse(job.event):
        return Response(status_code=204, headers=vary)  # which tells an EventSource not to come again
    return HeldOpen(_stream(request, services, caller, job.id, start), STREAMED | vary, services, caller)


def start_of(last_event_id: str | None, after: str | None) -> EventId | None:
    """The id after which a client wants to go on, if it says one. Raises ProblemError."""
    text = last_event_id or after
    if not text:
        return None
    try:
        return EventId.parse(text)
    except ValueError as error:
        parameter = "Last-Event-ID" if last_event_id else "after"
        fault = FieldProblem(parameter=parameter, detail=ALLOWED_IDS, value=text)
        raise not_accepted([fault]) from error


async def _stream(
    request: Request, services: Services, caller: Caller, job_id: str, after: EventId
) -> AsyncIterator[bytes]:
    """Events until the job is over or gone, or the key no longer valid, with a comment now and then to show life."""
    pinged = time.monotonic()
    while goes_on(request, services, caller):
        try:
            wait_ms = randint(*WAIT_MS)  # so that streams which began together do not all look again at once
            events = await services.feed.wait(job_id, after, BATCH, wait_ms)
            if not events and await services.feed.is_over(job_id, after):
                return
        except RedisError as error:
            if not is_redis_away(error):
                raise
            events = []  # it will come back, and the stream go on where it was
            await asyncio.sleep(RETRY_S)
        for event in events:
            yield format_sse_event(data_str=event.data, event=event.type, id=str(event.id))
            after = event.id
            if event.is_last:
                return
        if time.monotonic() - pinged > PING_S:
            yield format_sse_event(comment="ping")
            pinged = time.monotonic()


def goes_on(request: Request, services: Services, caller: Caller) -> bool:
    """Whether a stream to a client is still wanted, and allowed."""
    return not services.closing.is_set() and not has_hung_up(request) and services.keyring.admits(caller)
