"""Errors in the shape of OpenAI's API, on the paths that speak it."""

import json
from typing import Any

from fastapi.responses import JSONResponse
from starlette.types import Scope

from app.http.openai_errors import OpenAIError, OpenAIErrorBody
from app.http.urls import route_path

PREFIX = "/v1/"
KEPT = ("allow", "cache-control", "connection", "retry-after", "accept-encoding", "www-authenticate")  # headers
CODES = {
    "key-required": "invalid_api_key",
    "invalid-key": "invalid_api_key",
    "missing-scope": "missing_scope",
    "quota-exceeded": "rate_limit_exceeded",
    "too-many-keys": "rate_limit_exceeded",
}  # theirs


def speaks_openai(scope: Scope) -> bool:
    """Whether a request is for a path that answers in OpenAI's shape."""
    return route_path(scope).startswith(PREFIX)


def in_shape(response: JSONResponse) -> JSONResponse:
    """A problem in OpenAI's words."""
    problem = json.loads(bytes(response.body))
    faults = problem.get("errors", [])
    params = [_param(fault) for fault in faults]
    said = [f"{param or 'the body'}: {fault['detail']}" for param, fault in zip(params, faults, strict=True)]
    body = OpenAIErrorBody(
        message="; ".join([problem["detail"], *said]),
        type="invalid_request_error" if response.status_code < 500 else "server_error",
        param=params[0] if params else None,
        code=CODES.get(problem["type"], problem["type"]),
    )
    headers = {name: value for name, value in response.headers.items() if name in KEPT}
    return JSONResponse(OpenAIError(error=body).model_dump(), response.status_code, headers)


def _param(fault: dict[str, Any]) -> str | None:
    """The field or parameter that is wrong; None for the body as a whole."""
    if fault.get("parameter") in ("digit", "class"):  # of the drawing, and they came out of the prompt
        return "prompt"
    return fault.get("parameter") or fault.get("pointer", "").removeprefix("/") or None
