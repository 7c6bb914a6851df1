"""A request's key, and what is answered where it does not let in.

It comes as RFC 6750 has it, `Authorization: Bearer <key>`, or else in the cookie of the page.
"""

from urllib.parse import unquote_to_bytes

from starlette.types import Scope as RequestScope

from access.key import holds_key
from app.http.cookie import clearing_cookie, key_in_cookie
from app.http.problem_types import ProblemType
from app.http.problems import ProblemError
from core.access import Caller, Scope

REALM = 'Bearer realm="digitforge"'
HOW = "send `Authorization: Bearer <key>`"
BY_COOKIE = "digitforge.by_cookie"  # in the scope of a request whose key came so


def bearer(scope: RequestScope) -> bytes:
    """The key that a request comes with. Raises ProblemError where there is none, or more than one."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    if not found and (key_of_page := key_in_cookie(scope)) is not None:
        scope[BY_COOKIE] = True
        return key_of_page
    if not found:
        raise _challenge(ProblemType.KEY_REQUIRED, f"this service asks for a key; {HOW}")
    if len(found) > 1:
        detail = f"the request has {len(found)} Authorization headers; allowed: one"
        raise _challenge(ProblemType.BAD_REQUEST, detail, error="invalid_request")
    scheme, _, key = found[0].partition(b" ")
    if scheme.lower() != b"bearer":
        raise _challenge(ProblemType.KEY_REQUIRED, f"the Authorization has another scheme than Bearer; {HOW}")
    return bytes(key.strip(b" "))


def refuse_keys_in_url(scope: RequestScope) -> None:
    """Raise ProblemError for a key among the query parameters: URLs are logged, kept and passed on."""
    query: bytes = scope["query_string"]
    if (b"df" in query or b"%" in query) and holds_key(unquote_to_bytes(query)):
        detail = f"there is a key in the URL, where others may have read it: rotate or revoke it, and {HOW} instead"
        raise ProblemError(ProblemType.KEY_IN_URL, detail)


def refused(detail: str, scope: RequestScope) -> ProblemError:
    """What to answer to a key that is none, or none any more. A cookie that carries it is cleared."""
    error = _challenge(ProblemType.INVALID_KEY, detail, error="invalid_token")
    if BY_COOKIE in scope:
        error.headers = {**(error.headers or {}), **clearing_cookie(scope)}
    return error


def refused_unread(wait_s: int) -> ProblemError:
    """What to answer to a key from where too many wrong ones came: it was not looked at."""
    detail = f"too many wrong keys came from this address; allowed again in {wait_s} s"
    return ProblemError(ProblemType.TOO_MANY_KEYS, detail, headers={"Retry-After": str(wait_s)})


def address_of(scope: RequestScope) -> str:
    """Where a request comes from, as far as trusted proxies tell."""
    client = scope.get("client")
    return client[0] if client else ""


def not_allowed(caller: Caller, needed: Scope) -> ProblemError:
    """What to answer to a key without the scope that a route needs."""
    has = ", ".join(sorted(caller.scopes)) or "none"
    detail = f"this needs the scope {needed}, and the key {caller.id} has: {has}"
    return _challenge(ProblemType.MISSING_SCOPE, detail, error="insufficient_scope", scope=needed)


def _challenge(kind: ProblemType, detail: str, **parameters: str) -> ProblemError:
    said = ", ".join([REALM, *(f'{name}="{value}"' for name, value in parameters.items())])
    return ProblemError(kind, detail, headers={"WWW-Authenticate": said})
