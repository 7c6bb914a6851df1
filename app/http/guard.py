"""Who may call a route: everybody an open one, and another whoever has the right that `app/http/scopes.py` names."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from app.http.scopes import OPEN, scope_of
from core.access import ANYBODY, Caller, Scope
from jobs.record import JobOrigin

CALLER = "digitforge.caller"  # in the scope of an admitted request
REQUEST_ID, TRACEPARENT = "digitforge.request_id", "digitforge.traceparent"

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(route: APIRoute, handle: Handle) -> Handle:
    """A route's handler behind its guard, which comes before anything of the request's body is read."""
    [method] = sorted(route.methods or [])
    needed = scope_of(method, route.path)
    if needed is OPEN:
        return handle

    async def handle_admitted(request: Request) -> Response:
        request.scope[CALLER] = await _admit(request, needed)
        return await handle(request)

    return handle_admitted


async def _admit(request: Request, needed: Scope) -> Caller:
    return ANYBODY


def caller_of(request: Request) -> Caller:
    """Whoever an admitted request comes from."""
    caller: Caller = request.scope[CALLER]
    return caller


async def _caller(request: Request) -> Caller:
    return caller_of(request)


async def _origin(request: Request) -> JobOrigin:
    scope = request.scope
    return JobOrigin(caller_of(request).id, scope.get(REQUEST_ID, ""), scope.get(TRACEPARENT, ""))


CallerDep = Annotated[Caller, Depends(_caller)]
OriginDep = Annotated[JobOrigin, Depends(_origin)]
