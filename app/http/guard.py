"""Who may call a route: everybody an open one, and another whoever has the right that `app/http/scopes.py` names."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.types import Scope as RequestScope

from app.http.account import AT_THEIR_OWN_COST, Account, tell
from app.http.bearer import BY_COOKIE, address_of, bearer, not_allowed, refuse_keys_in_url, refused, refused_unread
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from app.http.scopes import OPEN, scope_of
from app.http.services import Services
from app.metrics.meters import ROUTE_NUMBERS
from app.metrics.requests import name_route
from core.access import ANYBODY, Caller, Scope
from core.errors import KeyRefused, KeysAway
from core.log_context import add_to_context
from jobs.record import JobOrigin

CALLER = "digitforge.caller"  # in the scope of an admitted request
REQUEST_ID, TRACEPARENT = "digitforge.request_id", "digitforge.traceparent"

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(route: APIRoute, handle: Handle) -> Handle:
    """A route's handler behind its guard, which comes before anything of the request's body is read."""
    [method] = sorted(route.methods or [])
    needed, number = scope_of(method, route.path), ROUTE_NUMBERS[f"{method} {route.path}"]

    async def handle_admitted(request: Request) -> Response:
        scope = request.scope
        name_route(scope, number)
        if needed is OPEN:
            return await handle(request)
        services: Services = request.app.state.services
        caller = ANYBODY
        if services.keyring.required:  # nothing is awaited, and little called, for a key that is known
            refuse_keys_in_url(scope)
            key = bearer(scope)
            caller = services.keyring.at_once(key) or await _look_up(scope, services, key, _is_harmless(scope, needed))
            if not caller.may(needed):
                raise not_allowed(caller, needed)
        scope[CALLER] = caller
        add_to_context(key=caller.id)
        Account(caller, services.allowances, scope).take_request()
        response = await handle(request)
        tell(response, scope)
        if caller is not ANYBODY:
            _keep_out_of_shared_caches(response, by_cookie=BY_COOKIE in scope)
        return response

    return handle_admitted


def _is_harmless(scope: RequestScope, needed: Scope) -> bool:
    """Whether a request changes nothing that is kept."""
    return needed is Scope.GENERATE or scope["method"] == "GET"


async def caller_with(key: bytes, scope: RequestScope, services: Services, is_harmless: bool) -> Caller:
    """Whose key this is. Raises ProblemError, and counts a wrong one."""
    return services.keyring.at_once(key) or await _look_up(scope, services, key, is_harmless)


async def _look_up(scope: RequestScope, services: Services, key: bytes, is_harmless: bool) -> Caller:
    """Whose key this is, where it is wrong, or nobody knows without asking. Raises ProblemError."""
    keyring, guesses, address = services.keyring, services.guesses, address_of(scope)
    wait_s = guesses.wait_s(address)
    if wait_s and keyring.rejects(key):
        services.meters.refused("wrong_keys")
        raise refused_unread(wait_s)
    try:
        return await keyring.caller(key, is_harmless)
    except KeyRefused as error:
        guesses.add(address)
        raise refused(str(error), scope) from error
    except KeysAway as error:
        raise ProblemError(ProblemType.STORE_UNAVAILABLE, str(error), headers={"Retry-After": "2"}) from error


def _keep_out_of_shared_caches(response: Response, by_cookie: bool) -> None:
    """What a key was asked for is not for whoever else asks the same cache.

    By itself a cache keeps no answer to `Authorization` (RFC 9111, section 3.5). Of cookies it is told.
    """
    if by_cookie:
        response.raw_headers.append((b"vary", b"Cookie"))
        if "cache-control" not in response.headers:
            response.raw_headers.append((b"cache-control", b"private"))
    for place, (name, value) in enumerate(response.raw_headers):
        if name == b"cache-control" and value.startswith(b"public"):
            response.raw_headers[place] = (name, value.replace(b"public", b"private", 1))


def caller_of(request: Request) -> Caller:
    """Whoever an admitted request comes from."""
    caller: Caller = request.scope[CALLER]
    return caller


async def _caller(request: Request) -> Caller:
    return caller_of(request)


async def _origin(request: Request) -> JobOrigin:
    scope = request.scope
    return JobOrigin(caller_of(request).id, scope.get(REQUEST_ID, ""), scope.get(TRACEPARENT, ""))


def account_of(request: Request) -> Account:
    """What an admitted request takes of its caller's allowances."""
    return Account(caller_of(request), request.app.state.services.allowances, request.scope)


async def _account(request: Request) -> Account:
    return account_of(request)


CallerDep = Annotated[Caller, Depends(_caller)]
AccountDep = Annotated[Account, Depends(_account)]
OriginDep = Annotated[JobOrigin, Depends(_origin)]


async def counted_upload(account: AccountDep) -> AsyncIterator[None]:
    """Take an upload, and give it back if the request fails, unless its client has left."""
    await run_in_threadpool(account.take_upload)
    try:
        yield
    except AT_THEIR_OWN_COST:
        raise
    except Exception:
        await run_in_threadpool(account.give_back_upload)
        raise
