"""Errors to HTTP: every error, unknown routes and crashes too, is an RFC 9457 problem (application/problem+json)."""

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from kombu.exceptions import OperationalError
from pydantic import BaseModel, ConfigDict, Field
from redis import RedisError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.openai_schemas import OpenAIImagesRequest
from app.schemas import ActivateRequest, GridQuery, TrainRequest
from app.studio import ClientGone
from core.errors import IdempotencyKeyReused, JobNotFound, JobStateConflict, QueueFull, is_redis_away
from models.errors import CheckpointError, DigitforgeError, JudgeDamaged, JudgeNotFound, ModelNotFound, ShelfBusy
from models.validation import explain

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "2"
CLIENT_GONE = 499  # as nginx has it; nobody reads it

# What each path takes, to name the allowed fields where one is unknown.
INPUTS: dict[str, type[BaseModel]] = {
    "/train": TrainRequest,
    "/generate": GridQuery,
    "/models/active": ActivateRequest,
    "/v1/images/generations": OpenAIImagesRequest,
}

logger = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str | None = Field(None, description="JSON pointer into the body (RFC 6901).")
    parameter: str | None = Field(None, description="Name of the query or path parameter.")
    detail: str = Field(description="What is wrong, and what is allowed.")
    value: Any = Field(description="What was sent.")


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
    detail: str
    errors: list[FieldProblem] | None = Field(None, description="One entry a wrong field.")


class ProblemError(Exception):
    """Raised by a route to answer with a problem."""

    def __init__(
        self,
        status: int,
        type_: str,
        detail: str,
        errors: list[FieldProblem] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.type, self.detail, self.errors, self.headers = status, type_, detail, errors, headers


TITLES = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

TYPES = {
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    415: "unsupported-media-type",
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: it may answer a problem with each of these statuses."""
    return {status: {"model": Problem, "description": TITLES[status]} for status in statuses}


def problem_response(
    status: int,
    type_: str,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """A problem as a response."""
    problem = Problem(type=type_, title=TITLES.get(status, "Error"), status=status, detail=detail, errors=errors)
    body = problem.model_dump(mode="json", exclude_none=True)
    for shown, error in zip(body.get("errors", []), errors or [], strict=True):
        shown["value"] = error.value  # a null that was sent is worth showing
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def install(app: FastAPI, max_body_bytes: int) -> None:
    """Make `app` answer every error as a problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientGone, _on_client_gone)
    app.add_exception_handler(DigitforgeError, _on_own_error)
    app.add_exception_handler(RedisError, _on_redis_error)
    app.add_exception_handler(OperationalError, _on_redis_away)
    app.add_exception_handler(Exception, _on_crash)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=max_body_bytes)
    app.add_middleware(_RefuseLargeBodies, limit=max_body_bytes)


async def answer(request: Request, error: RequestValidationError | ProblemError | DigitforgeError) -> JSONResponse:
    """What `install` makes the app answer, for a route that has to change it."""
    if isinstance(error, RequestValidationError):
        return await _on_validation_error(request, error)
    return await (_on_problem if isinstance(error, ProblemError) else _on_own_error)(request, error)


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return problem_response(error.status, error.type, error.detail, error.errors, error.headers)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    for details in error.errors():
        if details["type"] == "json_invalid":
            reason = details.get("ctx", {}).get("error", details["msg"])
            position = details["loc"][-1]
            return problem_response(400, "invalid-json", f"the body is not JSON: {reason} at position {position}")
    known_fields = list(INPUTS[request.url.path].model_fields) if request.url.path in INPUTS else []
    problems = [_to_field_problem(details, known_fields) for details in error.errors()]
    names = ", ".join(dict.fromkeys(p.parameter or p.pointer or "the body" for p in problems))
    return problem_response(422, "invalid-parameter", f"not accepted: {names}", problems)


def _to_field_problem(details: Any, known_fields: list[str]) -> FieldProblem:
    fault = explain(details, known_fields)
    place, *path = fault.path
    if place == "body":
        pointer = "".join(f"/{part}" for part in path)
        return FieldProblem(pointer=pointer, detail=fault.detail, value=_shown(fault.value))
    return FieldProblem(parameter=".".join(map(str, path)), detail=fault.detail, value=_shown(fault.value))


def _shown(value: Any) -> Any:
    """A value as it may stand in an answer: JSON, and not without end."""
    if value is None or isinstance(value, bool | int):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}; /docs lists what there is"
    elif error.status_code == 405:
        detail = f"{request.method} is not allowed at {request.url.path}"
    headers = dict(error.headers) if error.headers else None
    return problem_response(error.status_code, TYPES.get(error.status_code, "http-error"), detail, headers=headers)


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


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "the server failed on this request; its log has the reason"
    # Starlette raises again after the answer, and uvicorn then ends the connection: the client should not use it again.
    return problem_response(500, "internal", detail, headers={"Connection": "close"})


class _RefuseLargeBodies:
    """Answers 413 to a declared length over the limit, before anything is read.

    Starlette's own limit counts what arrives without a declared length; for a declared one it answers in plain text.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            length = dict(scope["headers"]).get(b"content-length", b"0")
            if length.isdigit() and int(length) > self._limit:
                detail = f"the body has {int(length)} bytes; allowed: {self._limit}"
                await problem_response(413, "payload-too-large", detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)
