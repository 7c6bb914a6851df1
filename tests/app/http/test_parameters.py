"""A query parameter that a route does not take is refused on every route, with those that it takes."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.http.parameters import body_names, query_names
from app.main import create_app
from app.shelf.views import ActivateRequest
from core.settings import Settings
from tests.app.http.test_errors import job_count, problem
from tests.app.paths import url_of_nothing

APP = create_app(Settings())
OPERATIONS = [
    (method, path, operation)
    for path, methods in APP.openapi()["paths"].items()
    for method, operation in methods.items()
]


def taken(operation: dict[str, Any]) -> list[str]:
    return [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=lambda value: str(value)[:60])
def test_an_unknown_parameter_is_refused_on_every_route(
    http: httpx.Client, method: str, path: str, operation: dict[str, Any]
) -> None:
    before = job_count(http)
    url = url_of_nothing(path)
    content_type = "image/png" if path == "/inspect" else "application/json"
    refused = http.request(method, f"{url}?preset=smoke", headers={"content-type": content_type})
    if path.startswith("/v1/"):
        assert (refused.status_code, refused.json()["error"]["param"]) == (422, "preset")
        assert "allowed: none" in refused.json()["error"]["message"]
    else:
        errors = problem(refused, 422, "invalid-parameter")["errors"]
        (error,) = [one for one in errors if one["parameter"] == "preset"]  # another may be missing
        assert error["value"] == "smoke"
        assert error["detail"] == f"unknown field; allowed: {', '.join(taken(operation)) or 'none'}"
    assert job_count(http) == before


def test_a_body_is_not_read_as_if_its_fields_stood_in_the_url(http: httpx.Client) -> None:
    before = job_count(http)
    refused = http.post("/train?preset=smoke&epochs=3", json={})
    assert "not accepted: preset, epochs" in problem(refused, 422, "invalid-parameter")["detail"]
    assert job_count(http) == before


@pytest.mark.parametrize("query", ["=x", "%00=1", "limit%20=1", "LIMIT=1", "limit=1&x"])
def test_names_are_compared_as_they_are(http: httpx.Client, query: str) -> None:
    problem(http.get(f"/jobs?{query}"), 422, "invalid-parameter")


@pytest.mark.parametrize("url", ["/healthz?", "/jobs?&", "/jobs?limit=1&", "/openapi.json?v=1"])
def test_what_names_no_parameter_and_a_page_that_is_no_route_are_taken(http: httpx.Client, url: str) -> None:
    assert http.get(url).status_code == 200


def test_the_parameters_are_those_of_the_route_itself() -> None:
    app = FastAPI()

    @app.put("/x")
    def put(limit: int, body: ActivateRequest | None = None, tail: int = 1) -> None: ...

    (route,) = [route for route in app.routes if isinstance(route, APIRoute)]
    assert (query_names(route), body_names(route)) == (["limit", "tail"], ["model", "dataset"])
