"""Problems: the body of every error (RFC 9457), and the exception that is answered with one.

`app/http/handlers.py` turns other exceptions into problems. On the paths that speak OpenAI's API they have its shape:
see `app/http/openai_shape.py`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.http.openai_shape import in_shape, speaks_openai
from app.http.problem_types import TITLES, ProblemType
from core.log_context import log_context

MEDIA_TYPE = "application/problem+json"
SURROGATE = re.compile("[\ud800-\udfff]")
SHOWN = 200  # characters of a value
NOT_KEPT = {"Cache-Control": "no-store"}  # what is not there may have just come, and be known to another machine


def _printable(value: Any) -> Any:
    """A string with its halves of surrogate pairs, which UTF-8 cannot hold, shown as escapes."""
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", value) if isinstance(value, str) else value


T = TypeVar("T")
Printable = Annotated[T, BeforeValidator(_printable)]


class FieldProblem(BaseModel):
    """One thing that is wrong with a request."""

    pointer: Printable[str | None] = Field(None, description="JSON pointer into the body (RFC 6901).")
    parameter: Printable[str | None] = Field(None, description="Name of the query or path parameter.")
    detail: Printable[str] = Field(description="What is wrong, and what is allowed.")
    value: Printable[Any] = Field(description="What was sent.")

    @property
    def place(self) -> str:
        """What is wrong, by name."""
        return self.parameter or self.pointer or "the body"


class Problem(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "job-not-found",
                "title": "Not Found",
                "status": 404,
                "detail": "no job '0011223344556677'",
                "request_id": "5f0c3a91be27000001c4",
            }
        }
    )

    type: ProblemType = Field(description="What kind of problem: a word that stays the same.")
    title: str
    status: int
    detail: Printable[str]
    errors: list[FieldProblem] | None = Field(None, description="One entry a wrong field.")
    request_id: str | None = Field(None, description="Of the request, as in the answer's X-Request-ID.")


class ProblemError(HTTPException):
    """Raised to answer with a problem."""

    def __init__(
        self,
        type_: ProblemType,
        detail: str,
        errors: list[FieldProblem] | None = None,
        headers: dict[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        """`status` is that of the type, unless a library has chosen another."""
        super().__init__(status or type_.status, detail, headers)
        self.type, self.errors = type_, errors


def not_accepted(faults: Sequence[FieldProblem]) -> ProblemError:
    """Fields or parameters that cannot be taken, each with a reason: 422, in the words that it has everywhere."""
    places = ", ".join(dict.fromkeys(fault.place for fault in faults))
    return ProblemError(ProblemType.INVALID_PARAMETER, f"not accepted: {places}", list(faults))


ANY_OTHER: dict[int | str, dict[str, Any]] = {"default": {"model": Problem, "description": "Any other error."}}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: it may answer a problem with each of these statuses."""
    return {status: {"model": Problem, "description": TITLES[status]} for status in statuses}


def problem_response(
    type_: ProblemType,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
) -> JSONResponse:
    """A problem as a response."""
    status = status or type_.status
    title, request_id = TITLES.get(status, "Error"), log_context().get("request_id")
    problem = Problem(type=type_, title=title, status=status, detail=detail, errors=errors, request_id=request_id)
    body = problem.model_dump(mode="json", exclude_none=True)
    for shown_error, error in zip(body.get("errors", []), errors or [], strict=True):
        shown_error["value"] = error.value  # a null that was sent is worth showing
    return JSONResponse(body, status, {**NOT_KEPT, **(headers or {})}, MEDIA_TYPE)


def to_response(error: ProblemError) -> JSONResponse:
    """The problem that an exception asks for."""
    return problem_response(error.type, error.detail, error.errors, error.headers, error.status_code)


def answer(scope: Scope, error: ProblemError) -> Response:
    """A problem as the answer to a request, in the shape that its path speaks."""
    response = to_response(error)
    return in_shape(response) if speaks_openai(scope) else response


def pointer_to(*path: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def shown(value: Any) -> Any:
    """A value as it may stand in an answer: JSON, and not without end."""
    if value is None or isinstance(value, bool | int):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
