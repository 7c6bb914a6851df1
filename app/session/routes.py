"""/session: a browser's login. It keeps the key in a cookie that no script can read; the service keeps nothing."""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request, Response

from app.http.bearer import bearer
from app.http.cookie import LONGEST_S, clearing_cookie, setting_cookie
from app.http.dependencies import ServicesDep, require_json
from app.http.guard import caller_with
from app.http.json_body import JsonRoute
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError, documented
from app.http.sources import Source, source_of
from app.session.views import Login, SessionView

router = APIRouter(prefix="/session", tags=["session"], responses=documented(403, 422), route_class=JsonRoute)

NO_STORE = {"Cache-Control": "no-store"}
NOT_ANYBODYS = (ProblemType.KEY_REQUIRED, ProblemType.INVALID_KEY)


async def _refuse_other_origins(request: Request) -> None:
    """Those of DIGITFORGE_CORS_ORIGINS too: they send keys themselves."""
    if source_of(request.scope) is Source.ELSEWHERE:
        detail = "a page of another origin may not log in or out here; allowed: to send `Authorization: Bearer <key>`"
        raise ProblemError(ProblemType.CROSS_ORIGIN, detail)


OWN_PAGES = Depends(_refuse_other_origins)


@router.get("", responses=documented(400, 429, 503))
async def get_session(request: Request, response: Response, services: ServicesDep) -> SessionView:
    """Whose key comes with the request, in the cookie or in `Authorization`, and what it may do."""
    keyring, scope = services.keyring, request.scope
    response.headers.update(NO_STORE)
    if not keyring.required:
        return SessionView(keys_required=False)
    try:
        key = bearer(scope)
        caller = await caller_with(key, scope, services, is_harmless=True)
    except ProblemError as error:
        if error.type not in NOT_ANYBODYS:
            raise
        kept = {name: value for name, value in (error.headers or {}).items() if name == "Set-Cookie"}
        response.headers.update(kept)
        return SessionView(keys_required=True)
    return SessionView(
        keys_required=True,
        id=caller.id,
        name=caller.name,
        scopes=sorted(caller.scopes),
        expires_at=keyring.ends(key),
    )


@router.post(
    "",
    status_code=204,
    response_class=Response,
    dependencies=[OWN_PAGES, Depends(require_json)],
    responses=documented(400, 401, 413, 415, 429, 503),
)
async def log_in(login: Login, request: Request, services: ServicesDep) -> Response:
    """Have the browser keep a key in a cookie, for as long as the key is valid and for 30 days at most."""
    scope, key = request.scope, login.key.encode()
    await caller_with(key, scope, services, is_harmless=True)
    ends = services.keyring.ends(key)
    seconds = LONGEST_S if ends is None else min(LONGEST_S, int((ends - datetime.now(UTC)).total_seconds()))
    return Response(status_code=204, headers={**NO_STORE, **setting_cookie(scope, login.key, seconds)})


@router.delete("", status_code=204, response_class=Response, dependencies=[OWN_PAGES])
async def log_out(request: Request) -> Response:
    """Have the browser forget the key, which stays valid."""
    return Response(status_code=204, headers={**NO_STORE, **clearing_cookie(request.scope)})
