"""Exceptions to problems: the one mapping. Unknown routes and crashes are answered with a problem too."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from redis import RedisError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from app.drawing.renderer import ClientGone
from app.drawing.scheduler import Overloaded
from app.http.account import quota_exceeded, tell
from app.http.openai_shape import in_shape, speaks_openai
from app.http.parameters import body_names, query_names
from app.http.problem_types import ProblemType
from app.http.problems import FieldProblem, ProblemError, not_accepted, pointer_to, problem_response, shown, to_response
from app.http.urls import url
from core.errors import (
    CheckpointError,
    DatasetDamaged,
    DatasetNotFound,
    DigitforgeError,
    IdempotencyKeyReused,
    JobNotFound,
    JobStateConflict,
    JudgeDamaged,
    JudgeNotFound,
    KeyInFile,
    KeyNotFound,
    ModelInUse,
    ModelNotFound,
    QueueFull,
    QuotaExceeded,
    ShelfBusy,
    StoreAway,
    StoreBusy,
    StoreError,
    StoreRefused,
    TooManyWebhooks,
    UploadBusy,
    UploadIncomplete,
    UploadNotFound,
    UploadOffsetConflict,
    UploadsFull,
    UploadTooLong,
    WebhookDisabled,
    WebhookNotFound,
)
from core.files import is_disk_full
from core.settings import Settings
from core.validation import explain
from jobs.redis_away import is_redis_away

SOON = {"Retry-After": "2"}  # seconds
CLIENT_GONE = 499  # as nginx has it; nobody reads it
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# Errors whose own text is fit for a client, with nothing to add.
OWN = {
    JobNotFound: ProblemType.JOB_NOT_FOUND,
    ModelNotFound: ProblemType.MODEL_NOT_FOUND,
    ModelInUse: ProblemType.MODEL_IN_USE,
    DatasetNotFound: ProblemType.DATASET_NOT_FOUND,
    JudgeNotFound: ProblemType.JUDGE_NOT_FOUND,
    JobStateConflict: ProblemType.JOB_STATE_CONFLICT,
    IdempotencyKeyReused: ProblemType.IDEMPOTENCY_KEY_REUSED,
    UploadNotFound: ProblemType.UPLOAD_NOT_FOUND,
    UploadIncomplete: ProblemType.UPLOAD_INCOMPLETE,
    UploadTooLong: ProblemType.PAYLOAD_TOO_LARGE,
    UploadsFull: ProblemType.UPLOADS_FULL,
    KeyNotFound: ProblemType.KEY_NOT_FOUND,
    KeyInFile: ProblemType.KEY_IN_FILE,
    WebhookNotFound: ProblemType.WEBHOOK_NOT_FOUND,
    WebhookDisabled: ProblemType.WEBHOOK_DISABLED,
    TooManyWebhooks: ProblemType.TOO_MANY_WEBHOOKS,
}

logger = logging.getLogger(__name__)

Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Make `app` answer every error as a problem."""
    handlers: dict[type[Exception], Handler] = {
        ProblemError: _on_problem,
        RequestValidationError: _on_validation_error,
        HTTPException: _on_http_exception,
        ClientGone: _on_client_gone,
        Overloaded: _on_overloaded,
        DigitforgeError: _on_own_error,
        RedisError: _on_redis_error,
        OSError: _on_os_error,
        Exception: _on_crash,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, _in_shape_of_path(handler))


def _in_shape_of_path(handler: Handler) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        if speaks_openai(request.scope) and isinstance(response, JSONResponse):
            response = in_shape(response)
        tell(response, request.scope)
        return response

    return handle


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return to_response(error)


async def _on_overloaded(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Overloaded)
    headers = {"Retry-After": str(error.retry_after_s)}
    return to_response(ProblemError(ProblemType.OVERLOADED, str(error), headers=headers))


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return to_response(not_accepted(_field_problems(error, request.scope.get("route"))))


def _field_problems(error: RequestValidationError, route: object) -> list[FieldProblem]:
    """One entry a field or parameter. One that may be of several types has a fault for each: they share an entry."""
    found: dict[str, FieldProblem] = {}
    for details in error.errors():
        fault = explain(details, _known(route, *details["loc"]))
        place, *path = fault.path
        if place == "body":
            pointer = pointer_to(*_within(error.body, path))
            problem = FieldProblem(pointer=pointer, detail=fault.detail, value=shown(fault.value))
        else:  # behind the name stands which of its types did not fit
            problem = FieldProblem(parameter=str(path[0]), detail=fault.detail, value=shown(fault.value))
        same = found.setdefault(problem.place, problem)
        if same is not problem:
            same.detail = f"{same.detail}; or {problem.detail}"
    return list(found.values())


def _known(route: object, place: str | int, *path: str | int) -> list[str]:
    """The names beside the last one of a path."""
    if not isinstance(route, APIRoute):
        return []
    return body_names(route, path[:-1]) if place == "body" else query_names(route)


def _within(value: Any, path: Sequence[str | int]) -> list[str | int]:
    """As much of a path as leads through a value. Behind it stands which of a field's types did not fit."""
    taken: list[str | int] = []
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        else:
            break
        taken.append(part)
    return taken


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail, headers = error.detail, dict(error.headers or {})
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}; {url('/docs')} lists what there is"
    elif error.status_code == 405:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
        detail = f"{request.method} is not allowed at {request.url.path}; allowed: {headers['Allow']}"
    kind = ProblemType.of_library(error.status_code)
    return problem_response(kind, detail, headers=headers, status=error.status_code)


def _allowed(request: Request) -> str:
    """The methods of a path. Each has a route of its own, and the one that refused a request knows no other.

    A path in full, such as /models/active, goes before one with a parameter, such as /models/{model_id}.
    """
    routers = [getattr(route, "original_router", None) for route in request.app.routes]  # FastAPI keeps them apart
    included = [route for router in routers if router for route in router.routes]
    routes = [route for route in (*included, *request.app.routes) if isinstance(route, Route)]
    paths = [route.path for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    same = [route for route in routes if route.path == paths[0]] if paths else []

    def takes(method: str) -> bool:
        return any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in same)

    return ", ".join("GET, HEAD" if method == "GET" else method for method in METHODS if takes(method))


async def _on_client_gone(request: Request, error: Exception) -> Response:
    logger.warning("%s: %s", request.url, error)
    return Response(status_code=CLIENT_GONE)


async def _on_own_error(request: Request, error: Exception) -> JSONResponse:
    match error:
        case QueueFull():
            later = {"Retry-After": str(error.retry_after_s)}
            return problem_response(ProblemType.QUEUE_FULL, str(error), headers=later)
        case QuotaExceeded():
            return quota_exceeded(request, error)
        case JudgeDamaged():
            logger.error("%s: %s", error, error.__cause__)
            return problem_response(ProblemType.JUDGE_NOT_READY, f"{error}; the server's log names the file")
        case CheckpointError():
            logger.error("a model cannot be loaded: %s", error)
            detail = "the model's files are damaged; the server's log names the file"
            return problem_response(ProblemType.MODEL_NOT_READY, detail)
        case DatasetDamaged():
            logger.error("a data set cannot be used: %s", error)
            detail = "the data set's files are damaged; the server's log names the file"
            return problem_response(ProblemType.DATASET_DAMAGED, detail)
        case ShelfBusy():
            return problem_response(ProblemType.SHELF_BUSY, str(error), headers=SOON)
        case StoreError():
            return _on_store_error(error)
        case UploadBusy():
            return problem_response(ProblemType.UPLOAD_BUSY, str(error), headers=SOON)
        case UploadOffsetConflict():
            right = {"Upload-Offset": str(error.offset)}
            return problem_response(ProblemType.UPLOAD_OFFSET, str(error), headers=right)
    kind = next((kind for of, kind in OWN.items() if isinstance(error, of)), None)
    return problem_response(kind, str(error)) if kind else await _on_crash(request, error)


def _on_store_error(error: StoreError) -> JSONResponse:
    """The text of the error names a bucket and an id of a key, which are for the log."""
    match error:
        case StoreBusy():
            return problem_response(ProblemType.STORE_AWAY, str(error), headers=SOON)
        case StoreAway():
            logger.warning("the store is away: %s", error)
            detail = "the object store does not answer; images can still be drawn"
            return problem_response(ProblemType.STORE_AWAY, detail, headers=SOON)
        case StoreRefused():
            logger.error("the store refuses: %s", error)
            detail = "the object store refuses what the server asks; the server's log has the reason"
            return problem_response(ProblemType.STORE_AWAY, detail)
    logger.error("an object in the store is damaged or missing: %s", error)
    detail = "an object in the store is damaged or missing; the server's log names it"
    return problem_response(ProblemType.STORE_DAMAGED, detail)


async def _on_redis_error(request: Request, error: Exception) -> JSONResponse:
    return await (_on_redis_away if is_redis_away(error) else _on_crash)(request, error)


async def _on_redis_away(request: Request, error: Exception) -> JSONResponse:
    logger.warning("Redis is away: %s", error)
    detail = "the job store does not answer; images can still be drawn"
    return problem_response(ProblemType.STORE_UNAVAILABLE, detail, headers=SOON)


async def _on_os_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    if is_disk_full(error):
        logger.error("%s %s failed: %s", request.method, request.url.path, error)
        return problem_response(ProblemType.STORAGE_FULL, "the server's disk is full")
    setting = _setting_of(error, request.app.state.services.settings)
    if setting is None:
        return await _on_crash(request, error)
    logger.error("%s %s failed: %s", request.method, request.url.path, error)
    detail = f"a file in the folder {setting} cannot be used: {error.strerror}; the server's log names it"
    return problem_response(ProblemType.STORAGE_UNAVAILABLE, detail, headers=SOON)


def _setting_of(error: OSError, settings: Settings) -> str | None:
    """The setting that names the folder of a file that cannot be had."""
    folders = {"DIGITFORGE_DATASETS_DIR": settings.datasets_dir, "DIGITFORGE_DATA_DIR": settings.data_dir}
    path = Path(str(error.filename))
    return next((name for name, folder in folders.items() if path.is_relative_to(folder)), None)


async def _on_crash(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "the server failed on this request; its log has the reason"
    # Starlette raises again after the answer, and uvicorn then ends the connection: the client should not use it again.
    return problem_response(ProblemType.INTERNAL, detail, headers={"Connection": "close"})
