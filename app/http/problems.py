"""Errors to HTTP: every error, unknown routes and crashes too, is an RFC 9457 problem (application/problem+json).

On the paths that speak OpenAI's API they have its shape: see `app/http/openai_shape.py`.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from redis import RedisError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount
from starlette.types import Scope

from app.drawing.renderer import ClientGone
from app.http.openai_shape import in_shape, speaks_openai
from app.http.urls import route_path, url
from app.images.openai_schemas import OpenAIImagesRequest
from app.images.query import GridQuery
from app.jobs.request import TrainRequest
from app.shelf.views import ActivateRequest
from core.errors import (
    CheckpointError,
    DigitforgeError,
    IdempotencyKeyReused,
    JobNotFound,
    JobStateConflict,
    JudgeDamaged,
    JudgeNotFound,
    ModelNotFound,
    QueueFull,
    ShelfBusy,
)
from core.settings import Settings
from core.validation import explain
from jobs.redis_away import is_redis_away

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "2"
CLIENT_GONE = 499  # as nginx has it; nobody reads it
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SURROGATE = re.compile("[\ud800-\udfff]")

# What each path takes, to name the allowed fields where one is unknown.
INPUTS: dict[str, type[BaseModel]] = {
    "/train": TrainRequest,
    "/generate": GridQuery,
    "/models/active": ActivateRequest,
    "/v1/images/generations": OpenAIImagesRequest,
}

logger = logging.getLogger(__name__)


def _printable(value: Any) -> Any:
    """A string with its halves of surrogate pairs, which UTF-8 cannot hold, shown as escapes."""
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", value) if isinstance(value, str) else value


T = TypeVar("T")
Printable = Annotated[T, BeforeValidator(_printable)]


class FieldProblem(BaseModel):
    """One thing that is wrong with a request."""

    pointer: Printable[str | None] = Field(None, description="JSON pointer into the body (RFC 6901).")
    parameter: str | None = Field(None, description="Name of the query or path parameter.")
    detail: Printable[str] = Field(description="What is wrong, and what is allowed.")
    value: Printable[Any] = Field(description="What was sent.")


class Problem(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "job-not-found",
                "title": "Not Found",
                "status": 404,
                "detail": "no job '0011223344556677'",
            }
        }
    )

    type: str = Field(description="What kind of problem: a word that stays the same.")
    title: str
    status: int
    detail: Printable[str]
    errors: list[FieldProblem] | None = Field(None, description="One entry a wrong field.")


class ProblemError(HTTPException):
    """Raised to answer with a problem."""

    def __init__(
        self,
        status: int,
        type_: str,
        detail: str,
        errors: list[FieldProblem] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.type, self.errors = type_, errors


TITLES = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

TYPES = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    416: "range-not-satisfiable",
}


ANY_OTHER: dict[int | str, dict[str, Any]] = {"default": {"model": Problem, "description": "Any other error."}}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: it may answer a problem with each of these statuses."""
    return {status: {"model": Problem, "description": TITLES[status]} for status in statuses}


def problem_response(
    status: int,
    type_: str,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as a response."""
    problem = Problem(type=type_, title=TITLES.get(status, "Error"), status=status, detail=detail, errors=errors)
    body = problem.model_dump(mode="json", exclude_none=True)
    for shown, error in zip(body.get("errors", []), errors or [], strict=True):
        shown["value"] = error.value  # a null that was sent is worth showing
    return JSONResponse(body, status, headers, MEDIA_TYPE)


Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Make `app` answer every error as a problem."""
    handlers: dict[type[Exception], Handler] = {
        ProblemError: _on_problem,
        RequestValidationError: _on_validation_error,
        HTTPException: _on_http_exception,
        ClientGone: _on_client_gone,
        DigitforgeError: _on_own_error,
        RedisError: _on_redis_error,
        OSError: _on_os_error,
        Exception: _on_crash,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, _in_shape_of_path(handler))


def answer(scope: Scope, error: ProblemError) -> Response:
    """A problem as the answer to a request, in the shape that its path speaks."""
    response = problem_response(error.status_code, error.type, error.detail, error.errors, error.headers)
    return in_shape(response) if speaks_openai(scope) else response


def _in_shape_of_path(handler: Handler) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        return in_shape(response) if speaks_openai(request.scope) and isinstance(response, JSONResponse) else response

    return handle


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return problem_response(error.status_code, error.type, error.detail, error.errors, error.headers)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    path = route_path(request.scope)
    known_fields = list(INPUTS[path].model_fields) if path in INPUTS else []
    problems = [_to_field_problem(details, known_fields) for details in error.errors()]
    names = ", ".join(dict.fromkeys(p.parameter or p.pointer or "the body" for p in problems))
    return problem_response(422, "invalid-parameter", f"not accepted: {names}", problems)


def _to_field_problem(details: Any, known_fields: list[str]) -> FieldProblem:
    fault = explain(details, known_fields)
    place, *path = fault.path
    if place == "body":
        pointer = pointer_to(*path)
        return FieldProblem(pointer=pointer, detail=fault.detail, value=shown(fault.value))
    return FieldProblem(parameter=".".join(map(str, path)), detail=fault.detail, value=shown(fault.value))


def pointer_to(*path: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def shown(value: Any) -> Any:
    """A value as it may stand in an answer: JSON, and not without end."""
    if value is None or isinstance(value, bool | int):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail, headers = error.detail, dict(error.headers or {})
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}; {url('/docs')} lists what there is"
    elif error.status_code == 405:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
        detail = f"{request.method} is not allowed at {request.url.path}; allowed: {headers['Allow']}"
    return problem_response(error.status_code, TYPES.get(error.status_code, "http-error"), detail, headers=headers)


def _allowed(request: Request) -> str:
    """The methods of a path. Each has a route of its own, and the one that refused a request knows no other."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]

    def takes(method: str) -> bool:
        return any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)

    return ", ".join("GET, HEAD" if method == "GET" else method for method in METHODS if takes(method))


async def _on_client_gone(request: Request, error: Exception) -> Response:
    logger.warning("%s: %s", request.url, error)
    return Response(status_code=CLIENT_GONE)


async def _on_own_error(request: Request, error: Exception) -> JSONResponse:
    match error:
        case JobNotFound():
            return problem_response(404, "job-not-found", str(error))
        case ModelNotFound():
            return problem_response(404, "model-not-found", str(error))
        case JudgeNotFound():
            return problem_response(404, "judge-not-found", str(error))
        case JobStateConflict():
            return problem_response(409, "job-state-conflict", str(error))
        case IdempotencyKeyReused():
            return problem_response(422, "idempotency-key-reused", str(error))
        case QueueFull():
            headers = {"Retry-After": str(error.retry_after_s)}
            return problem_response(429, "queue-full", str(error), headers=headers)
        case JudgeDamaged():
            logger.error("%s: %s", error, error.__cause__)
            return problem_response(503, "judge-not-ready", f"{error}; the server's log names the file")
        case CheckpointError():
            logger.error("a model cannot be loaded: %s", error)
            detail = "the model's files are damaged; the server's log names the file"
            return problem_response(503, "model-not-ready", detail)
        case ShelfBusy():
            return problem_response(503, "shelf-busy", str(error), headers={"Retry-After": RETRY_AFTER_S})
    return await _on_crash(request, error)


async def _on_redis_error(request: Request, error: Exception) -> JSONResponse:
    return await (_on_redis_away if is_redis_away(error) else _on_crash)(request, error)


async def _on_redis_away(request: Request, error: Exception) -> JSONResponse:
    logger.warning("Redis is away: %s", error)
    detail = "the job store does not answer; images can still be drawn"
    return problem_response(503, "store-unavailable", detail, headers={"Retry-After": RETRY_AFTER_S})


async def _on_os_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    setting = _setting_of(error, request.app.state.services.settings)
    if setting is None:
        return await _on_crash(request, error)
    logger.error("%s %s failed: %s", request.method, request.url.path, error)
    detail = f"a file in the folder {setting} cannot be used: {error.strerror}; the server's log names it"
    return problem_response(503, "storage-unavailable", detail, headers={"Retry-After": RETRY_AFTER_S})


def _setting_of(error: OSError, settings: Settings) -> str | None:
    """The setting that names the folder of a file that cannot be had."""
    folders = {"DIGITFORGE_DATASETS_DIR": settings.datasets_dir, "DIGITFORGE_DATA_DIR": settings.data_dir}
    path = Path(str(error.filename))
    return next((name for name, folder in folders.items() if path.is_relative_to(folder)), None)


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "the server failed on this request; its log has the reason"
    # Starlette raises again after the answer, and uvicorn then ends the connection: the client should not use it again.
    return problem_response(500, "internal", detail, headers={"Connection": "close"})
