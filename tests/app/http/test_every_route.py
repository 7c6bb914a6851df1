"""Each route of the OpenAPI document, with no key, a wrong one, and one without its scope."""

import time
from datetime import timedelta
from typing import NamedTuple

import httpx
import pytest

from access.key import new_key
from access.key_record import NewKey
from app.http.parameters import StrictRoute
from app.http.query_route import QueryRoute
from app.http.scopes import OPEN, SCOPES
from app.main import create_app
from core.access import WATCHED, Limits, Scope
from core.settings import Settings
from tests.app.http.test_errors import problem
from tests.app.paths import url_of_nothing
from tests.in_process import Api, add_key, bearer, client_with

DOCUMENT = create_app(Settings()).openapi()
ROUTES = [f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods]
OF_THE_PAGE = ["GET /", "GET /ui/{digest}/{name:path}"]  # which the document leaves out
GUARDED = [route for route in ROUTES if SCOPES[route] is not OPEN]
TAKES_KEYS = [*GUARDED, "POST /session"]


class Keys(NamedTuple):
    """Keys that let nobody in, by why."""

    unknown: str
    revoked: str
    expired: str
    rotated: str  # the text before


@pytest.fixture(scope="module")
def wrong(keyed: Api) -> Keys:
    store = keyed.services.keyring.store
    revoked, rotated = (add_key(keyed, Scope.ADMIN) for _ in range(2))
    expired = NewKey.make("expired", [Scope.ADMIN], life=timedelta(seconds=1), limits=Limits())
    store.add(expired.record)
    store.revoke(revoked[3:11])
    store.rotate(rotated[3:11], timedelta(0))
    keyed.portal.call(keyed.services.keyring.look)
    while time.time() < expired.record.expires_at.timestamp():  # type: ignore[union-attr]
        time.sleep(0.05)
    return Keys(new_key("zzzzzzzz"), revoked, expired.text, rotated)


@pytest.fixture(scope="module")
def clients(keyed: Api) -> dict[Scope, httpx.Client]:
    """A client that has all scopes but the one, and those that include it."""
    wider = {scope: {scope, Scope.ADMIN, *([Scope.WATCH] if scope in WATCHED else [])} for scope in Scope}
    weak = {scope: [one for one in Scope if one not in wider[scope]] for scope in Scope}
    return {scope: client_with(keyed, add_key(keyed, *others)) for scope, others in weak.items()}


def refused(http: httpx.Client, route: str, status: int, kind: str, headers: dict[str, str] | None = None) -> None:
    """The route refuses, with a challenge, whatever would be said of the request else."""
    method, path = route.split(" ", 1)
    answer = http.request(method, url_of_nothing(path), headers=headers)
    if path.startswith("/v1/"):
        code = "missing_scope" if status == 403 else "invalid_api_key"
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    else:
        problem(answer, status, kind)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_each_route_has_a_scope_and_nothing_else_has() -> None:
    assert sorted([*ROUTES, *OF_THE_PAGE]) == sorted(SCOPES)


@pytest.mark.parametrize("route", ROUTES)
def test_the_document_says_which_scope_a_key_needs(route: str) -> None:
    method, path = route.split(" ", 1)
    operation, needed = DOCUMENT["paths"][path][method.lower()], SCOPES[route]
    assert operation["security"] == ([] if needed is OPEN else [{"key": [needed]}, {}])
    assert ({"401", "403", "429"} <= operation["responses"].keys()) == (route in TAKES_KEYS)
    assert DOCUMENT["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_only_documentation_goes_round_the_guard() -> None:
    routes = create_app(Settings()).routes
    included = [route for one in routes if (router := getattr(one, "original_router", None)) for route in router.routes]
    assert {type(route) for route in included if not isinstance(route, StrictRoute | QueryRoute)} == set()
    others = {getattr(route, "path", "") for route in routes if not hasattr(route, "original_router")}
    assert others == {"/docs", "/docs/oauth2-redirect", "/openapi.json", "/static-offline-docs"}


@pytest.mark.parametrize("route", GUARDED)
def test_without_a_valid_key_nobody_gets_in(keyed: Api, wrong: Keys, route: str) -> None:
    stranger = client_with(keyed, None, f"10.0.{GUARDED.index(route)}.1")  # who guesses too often is not answered
    refused(stranger, route, 401, "key-required")
    refused(stranger, route, 401, "invalid-key", bearer("df_malformed"))
    for key in wrong:
        refused(stranger, route, 401, "invalid-key", bearer(key))


@pytest.mark.parametrize("route", GUARDED)
def test_all_scopes_but_the_one_are_not_enough(clients: dict[Scope, httpx.Client], route: str) -> None:
    needed = SCOPES[route]
    assert needed is not None
    refused(clients[needed], route, 403, "missing-scope")


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in TAKES_KEYS])
def test_an_open_route_takes_wrong_keys_too(keyed: Api, wrong: Keys, route: str) -> None:
    method, path = route.split(" ", 1)
    assert client_with(keyed, wrong.revoked).request(method, path).status_code < 300
