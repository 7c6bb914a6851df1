"""GET /events: what becomes of all jobs that the caller may see, as it happens, or a page of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from math import inf
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
from app.jobs.views import AnyEventPage, AnyEventView
from core.access import Caller
from jobs.feed import FIRST, AnyEvent, EventId
from jobs.redis_away import is_redis_away

router = APIRouter(tags=["jobs"], responses=documented(422, 429, 503), route_class=StrictRoute)

GAP = "gap"  # events before this id may be lost: read again what is shown
POSITION = "position"  # up to this id all was told


@router.get("/events", response_model=AnyEventPage, responses={200: {"content": {"text/event-stream": {}}}})
async def get_all_events(
    request: Request,
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    last_event_id: Annotated[str | None, Header(description="Go on after this event.")] = None,
    after: Annotated[
        str | None, Query(description="As Last-Event-ID, which goes before it: the `event` of GET /jobs, for one.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Events in a page of JSON.")] = 100,
    format: Annotated[  # noqa: A002
        Format | None, Query(description="Without it, as `Accept` says; `sse` where it does not.")
    ] = None,
) -> AnyEventPage | Response:
    """What becomes of jobs, one's own and for `admin` all: a stream of server-sent events, or a page of JSON.

    The stream begins after the event in `Last-Event-ID`, or with what happens from now on; the pages with the oldest
    event that is kept. Not one event is missed or told twice over a reconnect or a restart of the server; where more
    happened than is kept, an event `gap` says so.
    """
    start = start_of(last_event_id, after)
    vary = {} if format else {"Vary": "Accept"}
    if (format or accepted(request, FORMATS) or "sse") == "json":
        response.headers.update(vary)
        return await _page(services, caller, start, limit)
    return HeldOpen(_stream(request, services, caller, start), STREAMED | vary, services, caller)


async def _page(services: Services, caller: Caller, start: EventId | None, limit: int) -> AnyEventPage:
    feed = services.feed
    lost_until = await feed.after_gap(start) if start is not None else None
    at, seen = lost_until or start or FIRST, list[AnyEvent]()
    while len(seen) <= limit and (events := await feed.read_all(at, max(BATCH, limit + 1))):
        seen += [event for event in events if caller.may_see(event.caller)]
        at = events[-1].id
    page, has_more = seen[:limit], len(seen) > limit
    follow = url(f"/events?format=json&limit={limit}&after={page[-1].id}") if has_more else None
    data = [AnyEventView.from_any(event) for event in page]
    return AnyEventPage(data=data, gap=lost_until is not None, has_more=has_more, next=follow)


async def _stream(request: Request, services: Services, caller: Caller, start: EventId | None) -> AsyncIterator[bytes]:
    """Events until the client goes, with its position now and then: to show life, and so that it grows not old."""
    feed, at, looked, told = services.feed, start, False, -inf
    while goes_on(request, services, caller):
        try:
            if at is None:
                at = await feed.newest()
            elif not looked and (lost_until := await feed.after_gap(at)) is not None:
                at = lost_until
                yield format_sse_event(data_str="{}", event=GAP, id=str(at))
            looked = True
            wait_ms = randint(*WAIT_MS) if told > 0 else None  # the position comes before the first wait
            events = await feed.read_all(at, BATCH, wait_ms)
            looked = len(events) < BATCH  # whoever lags behind may be overtaken by what is thrown away
        except RedisError as error:
            if not is_redis_away(error):
                raise
            events, looked = [], False  # it will come back, perhaps with less than it had
            await asyncio.sleep(RETRY_S)
        for one in events:
            at = one.id
            if caller.may_see(one.caller):
                yield format_sse_event(data_str=_text(one), event=one.event.type, id=str(at))
        if at is not None and time.monotonic() - told > PING_S:
            yield format_sse_event(data_str="{}", event=POSITION, id=str(at))
            told = time.monotonic()


def _text(one: AnyEvent) -> str:
    """Its `data` stands there as it was told: a JSON object already."""
    return f'{{"job":"{one.job_id}","event":"{one.event.id}","data":{one.event.data}}}'
