"""GET /events: the events of all jobs as they happen, in one stream, or a page of them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from random import randint
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.sse import format_sse_event
from redis import RedisError

from app.http.dependencies import ServicesDep
from app.http.guard import CallerDep
from app.http.negotiation import accepted
from app.http.parameters import StrictRoute
from app.http.problems import documented
from app.http.services import Services
from app.http.urls import url
from app.jobs.events import BATCH, FORMATS, PING_S, RETRY_S, STREAMED, WAIT_MS, Format, goes_on, start_of
from app.jobs.open_streams import HeldOpen
from app.jobs.views import AnyJobsEventPage, AnyJobsEventView
from core.access import Caller
from jobs.feed import AnyJobsEvent, EventId
from jobs.redis_away import is_redis_away

router = APIRouter(prefix="/events", tags=["jobs"], responses=documented(422, 429, 503), route_class=StrictRoute)

GAP = "gap"  # the type of the event that says that some may be missing


@router.get("", response_model=AnyJobsEventPage, responses={200: {"content": {"text/event-stream": {}}}})
async def get_all_events(
    request: Request,
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    last_event_id: Annotated[str | None, Header(description="Go on after this event.")] = None,
    after: Annotated[
        str | None, Query(description="As Last-Event-ID, which goes before it; without both, only what is to come.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Events read for a page of JSON.")] = 100,
    format: Annotated[  # noqa: A002
        Format | None, Query(description="Without it, as `Accept` says; `sse` where it does not.")
    ] = None,
) -> AnyJobsEventPage | Response:
    """What becomes of all jobs that the caller may see, in one stream of server-sent events, or a page of JSON.

    Each event names its job. Where events after `Last-Event-ID` are no longer kept, the stream begins with a `gap`.
    """
    start = start_of(last_event_id, after)
    begin = await services.feed.newest() if start is None else start
    vary = {} if format else {"Vary": "Accept"}
    if (format or accepted(request, FORMATS) or "sse") == "json":
        response.headers.update(vary)
        return await _page(services, caller, begin, limit)
    return HeldOpen(_stream(request, services, caller, begin), STREAMED | vary, services, caller)


async def _page(services: Services, caller: Caller, begin: EventId, limit: int) -> AnyJobsEventPage:
    read = await services.feed.read_all(begin, limit + 1)
    events, has_more = read[:limit], len(read) > limit
    follow = url(f"/events?format=json&limit={limit}&after={events[-1].id}") if has_more else None
    shown = [AnyJobsEventView.from_event(event) for event in events if caller.may_see(event.caller)]
    return AnyJobsEventPage(data=shown, gap=await services.feed.has_gap(begin), has_more=has_more, next=follow)


async def _stream(request: Request, services: Services, caller: Caller, after: EventId) -> AsyncIterator[bytes]:
    """Events until the client hangs up or its key is no longer valid, with a comment now and then to show life."""
    pinged, is_checked = time.monotonic(), False
    while goes_on(request, services, caller):
        try:
            if not is_checked and await services.feed.has_gap(after):
                after = await services.feed.newest()
                yield format_sse_event(data_str="{}", event=GAP, id=str(after))
            is_checked = True
            events = await services.feed.read_all(after, BATCH, randint(*WAIT_MS))
        except RedisError as error:
            if not is_redis_away(error):
                raise
            events, is_checked = [], False  # it may come back with fewer events than it had
            await asyncio.sleep(RETRY_S)
        for event in events:
            if caller.may_see(event.caller):
                yield _told(event)
            after = event.id
        if time.monotonic() - pinged > PING_S:
            yield format_sse_event(comment="ping")
            pinged = time.monotonic()


def _told(event: AnyJobsEvent) -> bytes:
    data = json.dumps({"job": event.job, "event": str(event.event), "data": json.loads(event.data)})
    return format_sse_event(data_str=data, event=event.type, id=str(event.id))
